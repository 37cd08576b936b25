"""The training loop: dispatch, log a step late, evaluate, checkpoint, stop cleanly."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, Protocol

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh
from tqdm import tqdm

from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.compilation import CompiledStep, one_copy, replicate
from jtransfer.train.early_stopping import EarlyStopping
from jtransfer.train.run_log import RunLog, Sums
from jtransfer.train.state import PyTree, TrainState
from jtransfer.train.step import Metrics


class Feed(Protocol):
    """Where batches come from."""

    @property
    def constants(self) -> PyTree:
        """What stays on the device from step to step."""

    def inputs(self, step: int) -> PyTree:
        """What the host sends for a step; a pure function of the step's number."""


class NonFiniteLossError(FloatingPointError):
    """The loss became NaN or infinite."""


class Interrupted(SystemExit):
    """The run was asked to stop, has saved, and can be resumed."""


def fit(
    step: CompiledStep,
    state: TrainState,
    feed: Feed,
    *,
    steps: int,
    steps_per_call: int = 1,
    log: RunLog | None = None,
    log_every: int = 100,
    evaluate: Callable[[TrainState], Mapping[str, Any]] | None = None,
    evaluate_every: int = 0,
    early_stopping: EarlyStopping | None = None,
    checkpoints: Checkpoints | None = None,
    checkpoint_every: int = 0,
    mesh: Mesh | None = None,
    progress: bool = True,
) -> TrainState:
    """Train from `state` until `steps` steps have been taken in all.

    The device is waited for only where something is logged, evaluated or saved; a record is fetched
    after the next step has been dispatched. A checkpoint is written only once the losses up to it
    were seen to be finite, and always after the last step.

    Nothing is sent between host and device but a step's inputs, what is logged and what is saved:
    the loop runs under `jax.transfer_guard("disallow")`, if `evaluate` does.

    Args:
      step: from `compile_step`; it uses up the state it is given.
      state: where to start; with `state.step > 0` the run goes on from there.
      feed: gives each step's batch as a function of its number.
      steps: length of the whole run in steps.
      steps_per_call: as `step` was compiled; all other numbers of steps are multiples of it.
      log: told the metrics, averaged over the steps since its last record. A run that was stopped
        within a record and goes on gives that of all its steps.
      log_every: steps between two records; divides `checkpoint_every`, so that a resumed run logs
        what the uninterrupted one would have.
      evaluate: gives metrics of a state, which are logged and acted upon by nobody else than
        `early_stopping`.
      evaluate_every: steps between evaluations, besides the one at the end; 0 for that one only.
      early_stopping: ends the run when a metric of `evaluate` gets no better; None for never.
      checkpoints: where states are saved; None for nowhere.
      checkpoint_every: steps between checkpoints, besides the one at the end; 0 for that one only.
      mesh: that `step` was compiled for; state and constants are put on all its devices. What is
        evaluated and returned is one copy, so that nothing outside of training knows of the mesh.
      progress: whether a bar on the terminal tells how far the run is where there is no `log` to
        tell it; nothing is shown where standard error is no terminal.

    Returns:
      The state after the last step; with `early_stopping` the best one that was evaluated.

    Raises:
      NonFiniteLossError: naming the first step whose loss is NaN or infinite.
      Interrupted: after SIGINT or SIGTERM, with the state saved.
      ValueError: if the numbers of steps do not fit each other, or nothing is evaluated for
        `early_stopping`.
    """
    for name, number in (
        ("steps", steps),
        ("log_every", log_every),
        ("evaluate_every", evaluate_every),
        ("checkpoint_every", checkpoint_every),
    ):
        if number % steps_per_call:
            raise ValueError(f"{name}={number} is not a multiple of {steps_per_call=}")
    if checkpoint_every % log_every:
        raise ValueError(f"{checkpoint_every=} is not a multiple of {log_every=}")

    number = int(jax.device_get(state.step))
    if early_stopping is not None:
        if evaluate is None or evaluate_every == 0:
            raise ValueError(
                f"early stopping with {evaluate=} and {evaluate_every=}; expected a function and a "
                "positive number of steps, which divide the run into looks at the validation split"
            )
        early_stopping.resume(state)

    def due(every: int) -> bool:
        return number == steps or (every > 0 and number % every == 0)

    def finished() -> bool:
        return number >= steps or (early_stopping is not None and early_stopping.satisfied)

    constants = feed.constants
    if mesh is not None:
        state, constants = replicate((state, constants), mesh)
    records = _Records(log, checkpoints, number)
    bar = tqdm(
        total=steps,
        initial=number,
        unit="step",
        leave=False,
        dynamic_ncols=True,
        disable=None if progress and log is None else True,
    )
    with _stop_requests() as requests, bar:
        while not finished():
            batches = [feed.inputs(number + i) for i in range(steps_per_call)]
            inputs = batches[0] if steps_per_call == 1 else jax.tree.map(_stack, *batches)
            state, metrics = step(state, constants, inputs)
            number += steps_per_call
            bar.update(steps_per_call)
            records.write()
            records.add(number, metrics, complete=due(log_every))
            stopping = _asked(requests, mesh, at_record=due(log_every)) and number < steps
            if stopping or due(checkpoint_every) or due(evaluate_every):
                records.write()
                records.check()
                if evaluate is not None and due(evaluate_every):
                    _evaluate(evaluate, state, log, early_stopping, mesh)
                if checkpoints is not None and (stopping or finished() or due(checkpoint_every)):
                    records.keep(number)
                    checkpoints.save(state)
            if stopping:
                request = requests[0] if requests else signal.SIGTERM
                raise _interrupted(request, number, steps, log, checkpoints)
        if checkpoints is not None:
            checkpoints.wait()
        if log is not None:
            log.forget_open()
        if mesh is not None and mesh.is_multi_process:
            multihost_utils.sync_global_devices("what the first process wrote can be read")
    if early_stopping is None:
        return state if mesh is None else one_copy(state)
    if log is not None:
        log.say(f"step {number:,} of {steps:,}; the best was {early_stopping.best_step:,}")
    return early_stopping.best() if mesh is None else one_copy(early_stopping.best())


def _evaluate(
    evaluate: Callable[[TrainState], Mapping[str, Any]],
    state: TrainState,
    log: RunLog | None,
    early_stopping: EarlyStopping | None,
    mesh: Mesh | None,
) -> None:
    if log is None and early_stopping is None:
        return
    metrics = evaluate(state if mesh is None else one_copy(state))
    if log is not None:
        log.write(int(jax.device_get(state.step)), metrics)
    if early_stopping is not None:
        early_stopping.look(state, metrics)


def _interrupted(
    request: signal.Signals,
    number: int,
    steps: int,
    log: RunLog | None,
    checkpoints: Checkpoints | None,
) -> Interrupted:
    """Finish what is being written, tell the reader, and make what is to be raised."""
    saved = "not saved (it keeps no checkpoints)"
    if checkpoints is not None:
        checkpoints.wait()
        saved = "saved; the same command goes on from there"
    if log is not None:
        log.say(f"stopped by {request.name} at step {number:,} of {steps:,}, {saved}")
    return Interrupted(128 + request)


def _asked(requests: list[signal.Signals], mesh: Mesh | None, *, at_record: bool) -> bool:
    """Whether the run is asked to stop; several processes agree on it, at the next record."""
    if mesh is None or not mesh.is_multi_process:
        return bool(requests)
    return at_record and bool(multihost_utils.process_allgather(np.array(len(requests))).any())


class _Records:
    """Metrics of the steps since the last record, kept on the device until they are asked for."""

    def __init__(self, log: RunLog | None, checkpoints: Checkpoints | None, first: int):
        self._log = log
        self._checkpoints = checkpoints
        # Of the record's steps before `first`, if an earlier part of the run stopped within it.
        self._before: Sums = {} if log is None else log.take_open(first)
        self._open: list[tuple[int, Metrics]] = []
        self._complete: list[tuple[int, Metrics]] = []

    def add(self, number: int, metrics: Metrics, *, complete: bool) -> None:
        """Take the metrics of the step that ended at `number`; `complete` ends the record."""
        self._open.append((number, metrics))
        if complete:
            self._complete, self._open = self._open, []

    def write(self) -> None:
        """Write the completed record, if there is one."""
        if not self._complete:
            return
        totals = self._fetch(self._complete, self._before)
        self._before = {}
        if self._log is not None:
            averages = {
                name: total / count for name, (total, count) in totals.items() if np.all(count)
            }
            self._log.write(self._complete[-1][0], averages)
        self._complete = []

    def check(self) -> None:
        """Raise if a step outside of any record yet had a loss that is not finite."""
        self._fetch(self._open, {})

    def keep(self, number: int) -> None:
        """Before a checkpoint at `number`: what is recorded is on the disk, of an open record too.

        In the same order as in one go, the sums of the whole record are the same bit by bit.
        """
        if self._log is not None:
            self._log.sync()
            if self._open:
                self._log.keep_open(number, self._fetch(self._open, self._before))

    def _fetch(self, steps: list[tuple[int, Metrics]], before: Sums) -> Sums:
        """Sums and counts over the steps and those before; of several runs together [runs]."""
        fetched = jax.device_get([metrics for _, metrics in steps])
        totals = dict(before)
        for (number, _), metrics in zip(steps, fetched, strict=True):
            losses = np.asarray(metrics["loss"][0])
            bad = losses[~np.isfinite(losses)]
            if bad.size:
                raise NonFiniteLossError(self._explain(number, float(bad[0])))
            for name, (total, count) in metrics.items():
                so_far = totals.get(name, (0.0, 0.0))
                totals[name] = (so_far[0] + np.float64(total), so_far[1] + np.float64(count))
        return totals

    def _explain(self, number: int, loss: float) -> str:
        kept = self._checkpoints.latest_step if self._checkpoints is not None else None
        good = (
            "no checkpoint was kept" if kept is None else f"the checkpoint of step {kept:,} is good"
        )
        return (
            f"the loss is {loss} at step {number:,}; {good}. "
            "Lower the learning rate, or look for bad values in the data"
        )


def _stack(*arrays: np.ndarray) -> np.ndarray:
    return np.stack(arrays)


@contextmanager
def _stop_requests() -> Iterator[list[signal.Signals]]:
    """Collect SIGINT and SIGTERM; a second one has its usual effect."""
    requests: list[signal.Signals] = []
    if threading.current_thread() is not threading.main_thread():
        yield requests  # only the main thread may set handlers
        return
    usual = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def remember(number: int, frame: FrameType | None) -> None:
        del frame
        requests.append(signal.Signals(number))
        for each, handler in usual.items():
            signal.signal(each, handler)

    for each in usual:
        signal.signal(each, remember)
    try:
        yield requests
    finally:
        for each, handler in usual.items():
            signal.signal(each, handler)
