from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.train.precision import in_bfloat16
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.adaptation.adda import adda_loss, untie_encoders
from jtransfer.transfer.adaptation.dann import dann_loss
from jtransfer.transfer.adaptation.mean_teacher import mean_teacher_loss, with_teacher
from jtransfer.transfer.adaptation.weighted_dann import weighted_dann_loss, with_shares
from jtransfer.transfer.supervised import supervised_loss
from tests.transfer import tiny


def test_inputs_and_parameters_are_rounded_and_nothing_else():
    seen = {}

    def loss(params, stats, batch, rng, progress):
        del rng, progress
        seen.update(params=params, stats=stats, batch=batch)
        return (params["w"] * batch["source"]["image"].sum()).astype(jnp.float32), (stats, {})

    batch = {
        "source": {"image": jnp.ones(3), "label": jnp.full(3, 0.3)},
        "target": {"image": jnp.ones(2, jnp.uint8)},
    }
    params = {"w": jnp.asarray(1.0 + 2**-10)}
    value, gradients = jax.value_and_grad(
        lambda params: in_bfloat16(loss)(params, {"mean": jnp.ones(2)}, batch, None, 0.0)[0]
    )(params)
    # 1 + 2^-10 lies between 1 and the next number of bfloat16, 1 + 2^-7
    assert value == 3.0
    assert gradients["w"] == 3.0
    assert gradients["w"].dtype == jnp.float32
    assert jax.tree.map(lambda leaf: leaf.dtype.name, seen) == {
        "params": {"w": "bfloat16"},
        "stats": {"mean": "float32"},
        "batch": {
            "source": {"image": "bfloat16", "label": "float32"},
            "target": {"image": "uint8"},
        },
    }


def test_inputs_may_be_trees():
    """Frames and their mask, as an acoustic net reads them."""
    seen = {}

    def loss(params, stats, batch, rng, progress):
        del params, rng, progress
        seen.update(batch)
        return jnp.zeros(()), (stats, {})

    frames = jnp.ones((1, 2, 3)), jnp.ones((1, 2), bool)
    batch = {"target": {"image": frames, "label": jnp.ones(1)}, "image": {"left": jnp.ones(2)}}
    in_bfloat16(loss)({}, {}, batch, None, 0.0)
    assert jax.tree.map(lambda leaf: leaf.dtype.name, seen) == {
        "target": {"image": ("bfloat16", "bool"), "label": "float32"},
        "image": {"left": "bfloat16"},
    }


def of_adaptation(make_loss):
    net = tiny.net(norm=True)
    params, stats = tiny.variables(net)
    return make_loss(net), {"params": params, **stats}


def of_adda():
    loss, variables = of_adaptation(adda_loss)
    return loss, untie_encoders(variables)


def of_mean_teacher():
    loss, variables = of_adaptation(partial(mean_teacher_loss, augment=lambda _, images: images))
    return loss, with_teacher(variables, classes=3)


def of_weighted_dann():
    loss, variables = of_adaptation(weighted_dann_loss)
    return loss, with_shares(variables, classes=3)


@pytest.mark.parametrize("made", [of_adda, of_mean_teacher, of_weighted_dann])
def test_losses_metrics_and_statistics_of_adaptation_are_float32(made):
    loss, variables = made()
    params, stats = variables["params"], {k: v for k, v in variables.items() if k != "params"}
    value, (new_stats, metrics) = jax.eval_shape(
        in_bfloat16(loss), params, stats, tiny.batch(), jax.random.key(0), jnp.zeros(())
    )
    dtypes = jax.tree.map(lambda leaf: leaf.dtype.name, (value, new_stats, metrics))
    assert set(jax.tree.leaves(dtypes)) == {"float32"}


@pytest.mark.parametrize("make_loss", [supervised_loss, dann_loss])
def test_the_net_computes_in_bfloat16_and_the_state_stays_float32(make_loss):
    net, optimizer = tiny.net(norm=True), optax.adam(1e-2)
    params, stats = tiny.variables(net)
    state = TrainState.create({"params": params, **stats}, optimizer, rng=jax.random.key(0))
    batch = tiny.batch(16)
    results = []
    for loss in (make_loss(net), in_bfloat16(make_loss(net))):
        step = jax.jit(make_step(loss, optimizer, total_steps=10))
        results.append(step(state, batch))
    (whole, metrics), (half, half_metrics) = results
    dtypes = [
        jax.tree.map(lambda leaf: leaf.dtype, (tree.params, tree.stats, tree.opt_state))
        for tree in (whole, half)
    ]
    assert dtypes[0] == dtypes[1]
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=0.02, atol=0.02),
        (half.stats, half_metrics["loss"]),
        (whole.stats, metrics["loss"]),
    )
    assert half_metrics["loss"][0].dtype == jnp.float32
    assert half_metrics["loss"][0] != metrics["loss"][0]
    lines = jax.jit(step).lower(state, batch).as_text().splitlines()
    products = [line for line in lines if "dot_general" in line or "convolution" in line]
    assert products
    assert not [line for line in products if "xf32>" in line]
