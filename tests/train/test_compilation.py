import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.train.compilation import (
    compile_step,
    compile_step_by_pmap,
    data_mesh,
    replicate,
)
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.adaptation.dann import dann_loss
from tests import draws
from tests.draws import integers, normal
from tests.train import regression
from tests.transfer import tiny

FOUR = jax.devices()[:4]


def dann_step(net, optimizer, **options):
    return make_step(dann_loss(net), optimizer, total_steps=10, **options)


@pytest.fixture
def constants():
    return {
        "source": {
            "image": normal(0, (24, 6, 6, 2)),
            "label": integers(1, (24,), 3),
        },
        "target": {"image": 1.0 + normal(2, (24, 6, 6, 2))},
    }


def gather(constants, inputs):
    return {
        name: {key: values[positions] for key, values in constants[name].items()}
        for name, positions in inputs.items()
    }


def inputs(step):
    random = np.random.default_rng(step)
    return {name: random.integers(0, 24, 8).astype(np.int32) for name in ("source", "target")}


def run(compiled, net, optimizer, constants, *, place=lambda tree: tree, steps=3):
    variables = draws.variables(net, jnp.zeros((2, 6, 6, 2)))
    state = place(TrainState.create(variables, optimizer, rng=jax.random.key(2)))
    constants = place(constants)
    for number in range(steps):
        state, metrics = compiled(state, constants, inputs(number))
    return jax.device_get((state.params, state.stats, metrics))


def assert_close(ours, theirs):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), ours, theirs)


@pytest.mark.parametrize("norm", [False, True])
def test_a_mesh_of_devices_gives_the_single_devices_result(constants, norm):
    model, optimizer, mesh = tiny.net(norm=norm), optax.sgd(0.1, momentum=0.9), data_mesh(FOUR)
    assert mesh.size == 4
    step = dann_step(model, optimizer)
    single = run(compile_step(step, gather), model, optimizer, constants)
    sharded = run(
        compile_step(step, gather, mesh=mesh),
        model,
        optimizer,
        constants,
        place=lambda tree: replicate(tree, mesh),
    )
    assert_close(sharded, single)


def test_accumulated_over_a_mesh_it_is_the_single_devices_step(constants):
    model, optimizer, mesh = tiny.net(norm=True), optax.sgd(0.1, momentum=0.9), data_mesh(FOUR)
    step = dann_step(model, optimizer, accumulate=2)
    single = run(compile_step(step, gather), model, optimizer, constants, steps=2)
    sharded = run(
        compile_step(step, gather, mesh=mesh),
        model,
        optimizer,
        constants,
        place=lambda tree: replicate(tree, mesh),
        steps=2,
    )
    assert_close(sharded, single)


def test_pmap_gives_the_single_devices_result(constants):
    model, optimizer = tiny.net(), optax.sgd(0.1, momentum=0.9)
    single = run(compile_step(dann_step(model, optimizer), gather), model, optimizer, constants)
    step = dann_step(model, optimizer, axis_name="data")
    mapped = run(compile_step_by_pmap(step, gather), model, optimizer, constants)
    (params, stats, metrics), (mapped_params, mapped_stats, mapped_metrics) = single, mapped
    assert_close((mapped_params, mapped_stats), (params, stats))
    averages = [
        {name: total / count for name, (total, count) in each.items()}
        for each in (metrics, mapped_metrics)
    ]
    assert_close(averages[1], averages[0])


def test_several_steps_a_call_equal_single_steps():
    single, feed = regression.compiled_step(), regression.Feed()
    state, errors = regression.initial_state(), 0.0
    for number in range(6):
        state, metrics = single(state, feed.constants, feed.inputs(number))
        errors += metrics["error"][0]
    triple = regression.compiled_step(steps_per_call=3)
    together = regression.initial_state()
    for number in (0, 3):
        batches = np.stack([feed.inputs(number + i) for i in range(3)])
        together, metrics = triple(together, feed.constants, batches)
        assert metrics["error"][1] == 3 * 8
    assert together.step == state.step == 6
    assert_close(together.params, state.params)


def test_a_run_compiles_its_step_once(caplog):
    step, feed, state = regression.compiled_step(), regression.Feed(), regression.initial_state()
    with jax.log_compiles(), caplog.at_level("WARNING", logger="jax._src.interpreters.pxla"):
        for number in range(5):
            state, _ = step(state, feed.constants, feed.inputs(number))
    compiled = [record for record in caplog.messages if record.startswith("Compiling jit(one)")]
    assert len(compiled) == 1, caplog.messages
    assert step.jitted._cache_size() == 1


def test_a_step_uses_up_the_state_it_is_given():
    step, feed, state = regression.compiled_step(), regression.Feed(), regression.initial_state()
    step(state, feed.constants, feed.inputs(0))
    assert state.params["w"].is_deleted()


def test_steps_per_call_is_positive():
    with pytest.raises(ValueError, match="steps_per_call is 0"):
        regression.compiled_step(steps_per_call=0)
