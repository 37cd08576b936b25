"""Checkpoints where something else is now: the optimizer, the devices, the version of jtransfer."""

import zipfile
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.compilation import data_mesh
from jtransfer.train.loop import fit
from jtransfer.train.state import TrainState
from jtransfer.train.step_folders import CheckpointError
from tests.train import regression

# Three steps of the regression, as jtransfer 0.1.0 saved them with orbax 0.12.8.
OF_0_1 = Path(__file__).with_name("checkpoint_of_0_1.zip")
THREE_STEPS = {"w": [-0.023808341, -0.027723899, 0.026484357], "b": [0.029479647]}


def variables_of(state):
    return {"params": state.params, **state.stats}


@pytest.fixture
def of_adam(tmp_path):
    state = regression.initial_state()
    with Checkpoints(tmp_path) as checkpoints:
        state = fit(
            regression.compiled_step(), state, regression.Feed(), steps=3, checkpoints=checkpoints
        )
    return tmp_path, state


def test_variables_alone_go_on_under_another_optimizer(of_adam):
    folder, trained = of_adam
    like = jax.eval_shape(lambda: variables_of(regression.initial_state()))
    with Checkpoints(folder) as checkpoints:
        variables = checkpoints.restore_variables(like)
    assert jax.tree.structure(variables) == jax.tree.structure(like)
    jax.tree.map(np.testing.assert_array_equal, variables, variables_of(trained))
    another = TrainState.create(variables, optax.sgd(0.1, momentum=0.9), rng=jax.random.key(0))
    assert int(another.step) == 0
    with (
        Checkpoints(folder) as checkpoints,
        pytest.raises(CheckpointError, match="of another structure"),
    ):
        checkpoints.restore(another)


def test_variables_of_another_structure_are_refused_with_what_differs(of_adam, tmp_path):
    folder, trained = of_adam
    other = variables_of(trained) | {"params": {"w": jnp.zeros(4), "b": jnp.zeros(1)}}
    with Checkpoints(folder) as checkpoints:
        message = r"\.params\['w'\] is float32\[3\] there and float32\[4\] here\)"
        with pytest.raises(CheckpointError, match=message):
            checkpoints.restore_variables(other)
        without = {"params": trained.params}
        message = r"\.stats\['seen'\] is float32\[\] there and nothing here"
        with pytest.raises(CheckpointError, match=message):
            checkpoints.restore_variables(without)
    with (
        Checkpoints(tmp_path / "none") as none,
        pytest.raises(FileNotFoundError, match="no checkpoint in"),
    ):
        none.restore_variables(other)


def test_a_run_goes_from_four_devices_to_one_and_back(tmp_path):
    four = data_mesh(jax.devices()[:4])
    for steps, mesh in ((5, four), (10, None), (15, four)):
        first, found = regression.go_on(tmp_path, steps, mesh)
        assert first == steps - 5
    assert found.params["w"].devices() == {jax.devices()[0]}
    single = fit(
        regression.compiled_step(), regression.initial_state(), regression.Feed(), steps=15
    )
    np.testing.assert_allclose(found.params["w"], single.params["w"], rtol=0, atol=1e-5)


def test_checkpoints_of_the_first_version_are_restored_and_gone_on_with(tmp_path, capsys):
    with zipfile.ZipFile(OF_0_1) as kept:
        kept.extractall(tmp_path)
    with Checkpoints(tmp_path) as checkpoints:
        state = checkpoints.restore(regression.initial_state())
        variables = checkpoints.restore_variables(variables_of(state))
        assert int(state.step) == 3
        for name, expected in THREE_STEPS.items():
            np.testing.assert_allclose(state.params[name], expected, rtol=1e-6)
        jax.tree.map(np.testing.assert_array_equal, variables, variables_of(state))
        step, feed = regression.compiled_step(), regression.Feed()
        fit(step, state, feed, steps=4, checkpoints=checkpoints)
        assert checkpoints.latest_step == 4
    assert "3 has no checksums; it is taken unchecked" in capsys.readouterr().err
