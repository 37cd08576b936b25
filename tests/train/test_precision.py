import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.train.precision import in_bfloat16
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.adaptation.dann import dann_loss
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
