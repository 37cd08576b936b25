import jax
import numpy as np
import pytest

from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.loop import fit
from tests.train import regression


@pytest.fixture
def trained():
    return fit(regression.compiled_step(), regression.initial_state(), regression.Feed(), steps=3)


def raw(state):
    return jax.tree.map(np.asarray, state.replace(rng=jax.random.key_data(state.rng)), is_leaf=None)


def test_the_whole_state_comes_back_bit_by_bit(tmp_path, trained):
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.latest_step is None
        checkpoints.save(trained)
        checkpoints.wait()
        assert checkpoints.latest_step == 3
        restored = checkpoints.restore(regression.initial_state())
    jax.tree.map(np.testing.assert_array_equal, raw(restored), raw(trained))
    assert restored.rng.dtype == trained.rng.dtype
    assert jax.tree.structure(restored) == jax.tree.structure(trained)


def test_only_the_newest_are_kept(tmp_path, trained):
    with Checkpoints(tmp_path, keep=2) as checkpoints:
        for step in (1, 2, 3):
            checkpoints.save(trained.replace(step=np.int32(step)))
        checkpoints.wait()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2", "3"]


def test_restoring_from_nothing_is_an_error(tmp_path):
    with (
        Checkpoints(tmp_path) as checkpoints,
        pytest.raises(FileNotFoundError, match="no checkpoint in"),
    ):
        checkpoints.restore(regression.initial_state())
