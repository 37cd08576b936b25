import io
import os
import signal
import sys

import jax
import numpy as np
import pytest

from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.loop import Interrupted, NonFiniteLossError, fit
from jtransfer.train.run_log import RunLog, read_records
from tests.train import regression


@pytest.fixture
def log(tmp_path):
    file = tmp_path / "metrics.jsonl"
    with RunLog(
        file, name="run", total_steps=60, examples_per_step=8, stream=io.StringIO()
    ) as opened:
        yield opened


def records(tmp_path):
    return read_records(tmp_path / "metrics.jsonl")


def run(steps=20, *, poisoned=(), **options):
    feed = regression.Feed(poisoned)
    return fit(regression.compiled_step(), regression.initial_state(), feed, steps=steps, **options)


def test_fit_is_the_step_again_and_again():
    step, feed, state = regression.compiled_step(), regression.Feed(), regression.initial_state()
    for number in range(20):
        state, _ = step(state, feed.constants, feed.inputs(number))
    fitted = run(20)
    jax.tree.map(np.testing.assert_array_equal, fitted.params, state.params)
    assert fitted.step == 20


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("options", "shown"), [({}, True), ({"progress": False}, False)])
def test_on_a_terminal_a_run_without_a_log_shows_how_far_it_is(monkeypatch, options, shown):
    monkeypatch.setattr(sys, "stderr", Terminal())
    run(steps=3, **options)
    assert ("/3 [" in sys.stderr.getvalue()) == shown


def test_a_run_with_a_log_has_no_second_bar(monkeypatch, log):
    monkeypatch.setattr(sys, "stderr", Terminal())
    run(log=log)
    assert sys.stderr.getvalue() == ""


def test_records_are_averages_over_their_steps(tmp_path, log):
    run(25, log=log, log_every=10)
    written = records(tmp_path)
    assert [record["step"] for record in written] == [10, 20, 25]
    # progress is step / 60 at the beginning of each step
    np.testing.assert_allclose(
        [record["progress"] for record in written],
        [4.5 / 60, 14.5 / 60, 22 / 60],
        rtol=1e-6,
    )


def test_a_record_is_fetched_after_the_next_step_was_dispatched(log):
    events = []
    compiled = regression.compiled_step()

    def step(state, constants, inputs):
        events.append("step")
        return compiled(state, constants, inputs)

    log.write = lambda number, metrics: events.append(f"record {number}")
    fit(step, regression.initial_state(), regression.Feed(), steps=4, log=log, log_every=2)
    assert events == ["step", "step", "step", "record 2", "step", "record 4"]


def test_evaluations_are_logged_and_the_last_state_is_evaluated(tmp_path, log):
    seen = []

    def evaluate(state):
        seen.append(int(state.step))
        return {"target_accuracy": 0.5}

    run(25, log=log, log_every=10, evaluate=evaluate, evaluate_every=10)
    assert seen == [10, 20, 25]
    assert {"step": 20, "target_accuracy": 0.5} in records(tmp_path)


def test_several_steps_a_call_give_the_same_run(tmp_path, log):
    alone = run(20)
    step = regression.compiled_step(steps_per_call=5)
    together = fit(
        step,
        regression.initial_state(),
        regression.Feed(),
        steps=20,
        steps_per_call=5,
        log=log,
        log_every=10,
    )
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), together.params, alone.params
    )
    assert [record["step"] for record in records(tmp_path)] == [10, 20]


@pytest.mark.parametrize("bad_step", [12, 19])
def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_checkpoint(
    tmp_path, bad_step
):
    with Checkpoints(tmp_path / "steps") as checkpoints:
        with pytest.raises(
            NonFiniteLossError,
            match=f"loss is nan at step {bad_step + 1}; the checkpoint of step 10 is good",
        ):
            run(
                30,
                poisoned=(bad_step,),
                log_every=5,
                checkpoints=checkpoints,
                checkpoint_every=10,
            )
        checkpoints.wait()
        restored = checkpoints.restore(regression.initial_state())
    assert restored.step == 10
    jax.tree.map(np.testing.assert_array_equal, restored.params, run(10).params)


def test_without_checkpoints_a_bad_loss_says_that_none_was_kept():
    with pytest.raises(NonFiniteLossError, match="step 3; no checkpoint was kept"):
        run(20, poisoned=(2,))


@pytest.mark.parametrize("request_", [signal.SIGINT, signal.SIGTERM])
def test_a_request_to_stop_saves_and_the_run_goes_on_from_there(tmp_path, request_):
    stream = io.StringIO()
    feed = regression.Feed()
    usual = signal.getsignal(request_)

    class Stopping(regression.Feed):
        def inputs(self, step):
            if step == 7:
                os.kill(os.getpid(), request_)
            return super().inputs(step)

    with (
        Checkpoints(tmp_path / "steps") as checkpoints,
        RunLog(tmp_path / "metrics.jsonl", name="run", total_steps=20, stream=stream) as log,
    ):
        with pytest.raises(Interrupted) as raised:
            fit(
                regression.compiled_step(),
                regression.initial_state(),
                Stopping(),
                steps=20,
                log=log,
                checkpoints=checkpoints,
            )
        assert raised.value.code == 128 + request_
        assert signal.getsignal(request_) is usual
        assert (
            f"stopped by {request_.name} at step 8 of 20, saved; the same command goes on"
            in stream.getvalue()
        )
        state = checkpoints.restore(regression.initial_state())
        assert state.step == 8
        resumed = fit(regression.compiled_step(), state, feed, steps=20)
    jax.tree.map(np.testing.assert_array_equal, resumed.params, run(20).params)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"checkpoint_every": 15, "log_every": 10}, "checkpoint_every=15 .* log_every=10"),
        ({"steps_per_call": 3}, "steps=20 is not a multiple of steps_per_call=3"),
    ],
)
def test_numbers_of_steps_must_fit(options, message):
    with pytest.raises(ValueError, match=message):
        run(20, **options)


def stopped_at(folder, stops, *, steps=20, log_every=5, checkpoint_every=10, **options):
    """A run that is asked to stop in each of the given steps, and goes on until its end."""
    step = regression.compiled_step()

    class Stopping(regression.Feed):
        def inputs(self, number):
            if number == (stops[0] if stops else None):
                stops.pop(0)
                os.kill(os.getpid(), signal.SIGTERM)
            return super().inputs(number)

    while True:
        with Checkpoints(folder / "steps") as checkpoints:
            state = regression.initial_state()
            if checkpoints.latest_step is not None:
                state = checkpoints.restore(state)
            with RunLog(
                folder / "metrics.jsonl",
                name="run",
                total_steps=steps,
                first_step=int(state.step),
                stream=io.StringIO(),
            ) as log:
                try:
                    return fit(
                        step,
                        state,
                        Stopping(),
                        steps=steps,
                        log=log,
                        log_every=log_every,
                        checkpoints=checkpoints,
                        checkpoint_every=checkpoint_every,
                        **options,
                    )
                except Interrupted:
                    continue


@pytest.mark.parametrize("stops", [[1], [6], [4], [11, 12, 13], [2, 3, 7, 18]])
def test_the_record_in_which_a_run_was_stopped_is_that_of_all_its_steps(tmp_path, stops):
    whole = stopped_at(tmp_path / "whole", [])
    resumed = stopped_at(tmp_path / "stopped", stops)
    assert stops == []
    jax.tree.map(np.testing.assert_array_equal, resumed.params, whole.params)
    metrics = [(tmp_path / name / "metrics.jsonl").read_bytes() for name in ("whole", "stopped")]
    assert metrics[0] == metrics[1]
    assert not (tmp_path / "stopped" / "metrics.open.json").exists()
