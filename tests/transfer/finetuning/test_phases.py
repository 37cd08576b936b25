"""Phases that are stopped early: each has its own steps, schedule and best state."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.early_stopping import EarlyStopping
from jtransfer.train.loop import fit
from jtransfer.train.state import TrainState
from jtransfer.transfer.finetuning.finetune import compile_phases, fine_tune
from jtransfer.transfer.finetuning.layers import layer_names
from jtransfer.transfer.finetuning.regimes import plan
from jtransfer.transfer.supervised import supervised_loss
from tests.transfer import tiny_transfer as tiny

STEPS, EVERY = 60, 5
KEY = jax.random.key(5)


class Killed(Exception):
    """The process is gone."""


class Feed:
    """Remembers the steps it was asked for, and is killed at one of them."""

    def __init__(self, kill_at=None):
        self.asked, self._kill_at, self._feed = [], kill_at, tiny.feed()
        self.constants = self._feed.constants

    def inputs(self, step):
        if step == self._kill_at:
            raise Killed
        self.asked.append(step)
        return self._feed.inputs(step)


def accuracy(state):
    """The best of each phase is its first look but for the last, which is better in the second."""
    step = int(state.step)
    return {"accuracy": 0.9 if step == 40 else 0.5 - 0.001 * step}


@pytest.fixture(scope="module")
def source():
    return tiny.variables(tiny.net(norm=False))


@pytest.fixture(scope="module")
def programs(source):
    """Of 0 to 15, 15 to 30 and 30 to 60 steps; their rates fall to 0 within each."""
    net = tiny.net(norm=False)
    return compile_phases(
        net,
        source["params"],
        plan("gradual", layer_names(net), steps=STEPS),
        tiny.feed().gather,
        loss=lambda net: supervised_loss(net, domain="target"),
        optimizer=lambda steps: optax.sgd(optax.linear_schedule(0.3, 0.0, steps), momentum=0.9),
    )


def run(programs, source, feed, folder: Path | None = None, **options):
    """Stopped after two looks that are no better."""
    options = {"evaluate": accuracy, "evaluate_every": EVERY, "log_every": EVERY, **options}
    stopping = EarlyStopping("accuracy", patience=2, folder=folder and folder / "stopping")
    if folder is None:
        return fine_tune(programs, source, feed, rng=KEY, early_stopping=stopping, **options)
    with Checkpoints(folder / "steps") as checkpoints:
        options |= {"checkpoints": checkpoints, "checkpoint_every": EVERY}
        return fine_tune(programs, source, feed, rng=KEY, early_stopping=stopping, **options)


def assert_same(ours, theirs):
    for name in ("step", "params", "stats", "opt_state"):
        jax.tree.map(np.testing.assert_array_equal, getattr(ours, name), getattr(theirs, name))


@pytest.fixture(scope="module")
def whole(programs, source):
    feed = Feed()
    return run(programs, source, feed), feed.asked


def test_each_phase_takes_the_steps_of_its_own(whole):
    """Each stops two looks behind its best: at 15, which is its end, at 30 and at 50."""
    state, asked = whole
    assert asked == [*range(50)]
    assert state.step == 40


def test_each_phase_goes_on_from_the_best_of_the_one_before_by_its_own_schedule(
    programs, source, whole
):
    """By hand: 5 steps of the first, 5 from step 15 on of the second, 10 of the last."""
    state = TrainState.create(source, programs[0].optimizer, rng=KEY)
    for program, steps in zip(programs, (5, 5, 10), strict=True):
        start = program.phase.start
        state = state.replace(
            step=jnp.asarray(start, jnp.int32), opt_state=program.optimizer.init(state.params)
        )
        state = fit(program.step, state, tiny.feed(), steps=start + steps)
    assert_same(whole[0], state)


@pytest.mark.parametrize("kill_at", [3, 12, 15, 17, 26, 33, 49])
def test_killed_in_any_phase_and_resumed_it_is_the_uninterrupted_run(
    programs, source, whole, tmp_path, kill_at
):
    with pytest.raises(Killed):
        run(programs, source, Feed(kill_at), tmp_path)
    feed = Feed()
    resumed = run(programs, source, feed, tmp_path)
    assert feed.asked == [*range(kill_at // EVERY * EVERY, 50)]
    assert_same(resumed, whole[0])


def test_a_run_that_is_over_is_not_taken_up_again(programs, source, whole, tmp_path):
    run(programs, source, Feed(), tmp_path)
    again = run(programs, source, Feed(kill_at=50), tmp_path)
    assert_same(again, whole[0])
    kept = sorted(path.name for path in (tmp_path / "stopping").iterdir())
    assert kept == ["phase1", "phase2", "phase3"]


def test_a_phase_that_stops_before_its_end_leaves_its_last_steps_out(programs, source, tmp_path):
    """With one look of patience; killed within the second phase, before its first checkpoint."""

    def once(feed, folder=None):
        stopping = EarlyStopping("accuracy", patience=1, folder=folder and folder / "stopping")
        options = {"evaluate": accuracy, "evaluate_every": EVERY, "log_every": EVERY}
        options |= {"rng": KEY, "early_stopping": stopping}
        if folder is None:
            return fine_tune(programs, source, feed, **options)
        with Checkpoints(folder / "steps") as checkpoints:
            return fine_tune(programs, source, feed, checkpoints=checkpoints, **options)

    feed = Feed()
    expected = once(feed)
    assert feed.asked == [*range(10), *range(15, 25), *range(30, 45)]
    with pytest.raises(Killed):
        once(Feed(kill_at=17), tmp_path)
    again = Feed()
    assert_same(once(again, tmp_path), expected)
    assert again.asked == [*range(15, 25), *range(30, 45)]
