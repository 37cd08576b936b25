"""Stopping when a validation metric gets no better, with the best state."""

import math
from collections.abc import Mapping
from pathlib import Path

import jax
import jax.numpy as jnp

from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.run_folder import read_json, write_json
from jtransfer.train.state import TrainState

_EVALUATIONS, _BEST = "evaluations.json", "best"


class EarlyStopping:
    """What `fit` acts upon: it stops, and returns the state of the best evaluation.

    The metric must be measured on a validation split of the data that may be trained on; stopping
    by the test set makes its accuracy meaningless.

    Of a run that is resumed, what was seen up to the state's step is read again from `folder`, and
    the rest of the run is as if it had not been interrupted.

    Args:
      metric: name of one of the metrics that `evaluate` returns.
      patience: evaluations in a row that are no better than the best, after which to stop.
      higher_is_better: False for a loss.
      folder: where evaluations and the best state are kept; None for a run that is not resumed.

    Raises:
      ValueError: if `patience` is below 1.
    """

    def __init__(
        self,
        metric: str,
        *,
        patience: int,
        higher_is_better: bool = True,
        folder: Path | str | None = None,
    ):
        if patience < 1:
            raise ValueError(f"patience is {patience}; expected at least one evaluation")
        self._metric = metric
        self._patience = patience
        self._sign = 1.0 if higher_is_better else -1.0
        self._folder = self._own = None if folder is None else Path(folder)
        self._seen: list[tuple[int, float]] = []
        self._best: TrainState | None = None

    @property
    def best_step(self) -> int | None:
        """Step of the best evaluation, the first of equal ones; None before any."""
        return max(self._seen, key=lambda each: self._sign * each[1])[0] if self._seen else None

    @property
    def satisfied(self) -> bool:
        """Whether patience has run out."""
        values = [self._sign * value for _, value in self._seen]
        return bool(values) and len(values) - 1 - values.index(max(values)) >= self._patience

    def begin(self, part: str) -> None:
        """Start anew for one of several parts of a run, such as a phase, with its own best state.

        Args:
          part: names the folder below the given one where this part's is kept.
        """
        self._folder = None if self._own is None else self._own / part
        self._seen, self._best = [], None

    def resume(self, state: TrainState) -> None:
        """Take up a run at `state`: remember the evaluations up to its step and no others."""
        self._seen, self._best = [], None
        if self._folder is None or not (self._folder / _EVALUATIONS).exists():
            return
        file = self._folder / _EVALUATIONS
        seen = read_json(file, list, remedy="Remove the run's folder, and start it over")
        self._seen = [
            (step, value) for step, value in seen if step <= int(jax.device_get(state.step))
        ]
        with Checkpoints(self._folder / _BEST) as kept:
            # A better state of a step yet to come may have taken the place of the best so far:
            # that step will come again, be the best again, and no other is asked for.
            if self._seen and kept.latest_step == self.best_step:
                self._best = kept.restore(state)

    def look(self, state: TrainState, metrics: Mapping[str, float]) -> None:
        """Take notice of an evaluation, and keep the state if it is the best.

        Raises:
          ValueError: if the metric is not among `metrics`, or is NaN.
        """
        value = metrics.get(self._metric, math.nan)
        if math.isnan(value):
            raise ValueError(
                f"early stopping looks at {self._metric!r}, and the evaluation gave "
                f"{dict(metrics)}; expected a number of that name from evaluate"
            )
        step = int(jax.device_get(state.step))
        self._seen.append((step, float(value)))
        if self.best_step == step:
            # A copy, because the next step uses up the state.
            copied = jax.tree.map(jnp.copy, state.replace(rng=None))
            self._best = copied.replace(rng=jax.random.clone(state.rng))
        if self._folder is not None:
            if self.best_step == step:
                with Checkpoints(self._folder / _BEST) as kept:
                    kept.save(state)
            self._folder.mkdir(parents=True, exist_ok=True)
            write_json(self._folder / _EVALUATIONS, self._seen)

    def best(self) -> TrainState:
        """The state of the best evaluation.

        Raises:
          ValueError: if there was none.
        """
        if self._best is None:
            raise ValueError(
                f"no evaluation of {self._metric!r} whose state is kept; expected at least one. "
                "Give fit the function evaluate, and a resumed run the folder it had"
            )
        return self._best
