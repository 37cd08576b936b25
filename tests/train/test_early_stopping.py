import io
import json

import jax
import numpy as np
import pytest

from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.early_stopping import EarlyStopping
from jtransfer.train.loop import fit
from jtransfer.train.run_folder import RunFolderError
from jtransfer.train.run_log import RunLog, read_records
from tests.train import regression

# By evaluation, one every five steps: the best at step 15, and patience 3 is over at step 30.
ACCURACIES = (0.5, 0.4, 0.7, 0.7, 0.6, 0.65, 0.9, 0.9)


def accuracy(state):
    return {"accuracy": ACCURACIES[int(state.step) // 5 - 1], "other": 1.0}


class Killed(Exception):
    """The process is gone."""


def run(folder=None, *, steps=40, kill_at=None, checkpoint_every=10, **options):
    """Train with early stopping, from the newest checkpoint in `folder`, perhaps up to a kill."""

    def evaluate(state):
        return accuracy(state)

    class Feed(regression.Feed):
        def inputs(self, step):
            if step == kill_at:
                raise Killed
            return super().inputs(step)

    settings = {"patience": 3, **options}
    if folder is None:
        stopping = EarlyStopping("accuracy", **settings)
        return fit(
            regression.compiled_step(),
            regression.initial_state(),
            Feed(),
            steps=steps,
            evaluate=evaluate,
            evaluate_every=5,
            early_stopping=stopping,
        ), stopping
    stopping = EarlyStopping("accuracy", folder=folder / "stopping", **settings)
    with Checkpoints(folder / "steps") as checkpoints:
        state = regression.initial_state()
        if checkpoints.latest_step is not None:
            state = checkpoints.restore(state)
        first = int(state.step)
        with RunLog(
            folder / "metrics.jsonl",
            name="run",
            total_steps=steps,
            first_step=first,
            stream=io.StringIO(),
        ) as log:
            state = fit(
                regression.compiled_step(),
                state,
                Feed(),
                steps=steps,
                log=log,
                log_every=5,
                evaluate=evaluate,
                evaluate_every=5,
                early_stopping=stopping,
                checkpoints=checkpoints,
                checkpoint_every=checkpoint_every,
            )
        return state, checkpoints.latest_step


def plain(steps):
    return fit(
        regression.compiled_step(), regression.initial_state(), regression.Feed(), steps=steps
    )


def assert_same(ours, theirs):
    for name in ("step", "params", "stats", "opt_state"):
        jax.tree.map(np.testing.assert_array_equal, getattr(ours, name), getattr(theirs, name))
    np.testing.assert_array_equal(*(jax.random.key_data(each.rng) for each in (ours, theirs)))


def test_the_run_stops_when_patience_is_over_and_gives_the_first_best_state():
    state, stopping = run()
    assert stopping.satisfied
    assert stopping.best_step == state.step == 15
    assert_same(state, plain(15))


def test_a_metric_that_is_better_when_lower():
    state, stopping = run(higher_is_better=False)
    assert stopping.best_step == state.step == 10
    assert_same(state, plain(10))


def test_with_more_patience_the_best_of_the_whole_run_is_found():
    state, stopping = run(patience=5)
    assert not stopping.satisfied
    assert state.step == 35


def test_the_best_state_can_be_trained_on():
    state, _ = run()
    assert_same(fit(regression.compiled_step(), state, regression.Feed(), steps=20), plain(20))


@pytest.mark.parametrize(
    ("kill_at", "checkpoint_every"), [(3, 10), (12, 10), (17, 15), (24, 10), (29, 15)]
)
def test_killed_and_resumed_it_is_the_uninterrupted_run(tmp_path, kill_at, checkpoint_every):
    options = {"checkpoint_every": checkpoint_every}
    whole, last = run(tmp_path / "whole", **options)
    assert last == 30
    assert_same(whole, plain(15))
    with pytest.raises(Killed):
        run(tmp_path / "killed", kill_at=kill_at, **options)
    resumed, last = run(tmp_path / "killed", **options)
    assert last == 30
    assert_same(resumed, whole)
    records = [
        (tmp_path / name / file)
        for file in ("metrics.jsonl", "stopping/evaluations.json")
        for name in ("whole", "killed")
    ]
    assert read_records(records[0]) == read_records(records[1])
    assert json.loads(records[2].read_text()) == json.loads(records[3].read_text())


def test_a_run_that_has_stopped_is_not_taken_up_again(tmp_path):
    first, _ = run(tmp_path)
    again, _ = run(tmp_path, kill_at=30)
    assert_same(again, first)


def test_a_best_state_of_a_step_yet_to_come_is_found_again(tmp_path):
    """Killed behind the best of all, with a checkpoint from before it, and twice."""
    whole, _ = run(tmp_path / "whole", patience=5, checkpoint_every=0)
    killed = tmp_path / "killed"
    for kill_at in (36, 22):
        with pytest.raises(Killed):
            run(killed, patience=5, checkpoint_every=20 if kill_at == 22 else 0, kill_at=kill_at)
    resumed, _ = run(killed, patience=5, checkpoint_every=0)
    assert resumed.step == 35
    assert_same(resumed, whole)


def test_evaluations_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(Killed):
        run(tmp_path, kill_at=24)
    (tmp_path / "stopping" / "evaluations.json").write_text("[[5, 0.5], [10,")
    with pytest.raises(RunFolderError, match=r"evaluations\.json is no whole JSON .*a JSON array"):
        run(tmp_path)


@pytest.mark.parametrize("metrics", [{"loss": 1.0}, {"accuracy": float("nan")}])
def test_the_metric_must_be_a_number(metrics):
    stopping = EarlyStopping("accuracy", patience=1)
    with pytest.raises(ValueError, match="looks at 'accuracy', and the evaluation gave"):
        stopping.look(regression.initial_state(), metrics)


def test_what_cannot_stop_a_run():
    with pytest.raises(ValueError, match="patience is 0"):
        EarlyStopping("accuracy", patience=0)
    with pytest.raises(ValueError, match="early stopping with evaluate=None"):
        fit(
            regression.compiled_step(),
            regression.initial_state(),
            regression.Feed(),
            steps=5,
            early_stopping=EarlyStopping("accuracy", patience=1),
        )
    with pytest.raises(ValueError, match="no evaluation of 'accuracy'"):
        EarlyStopping("accuracy", patience=1).best()
