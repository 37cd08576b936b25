import jax
import jax.numpy as jnp
import numpy as np
import optax

from jtransfer.train.compilation import compile_step
from jtransfer.train.profile import profile_steps
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from tests.train import regression

SIDE = 400


def loss(params, stats, batch, rng, progress):
    """A large product of matrices, beside which nothing else counts."""
    with jax.named_scope("large"):
        product = jax.lax.stop_gradient(params["w"] @ params["w"]).mean()
    return product + (params["w"].mean() - batch.mean()) ** 2, (stats, {})


def test_the_large_product_is_the_slowest_operation(tmp_path):
    optimizer = optax.sgd(0.1)
    variables = {"params": {"w": jnp.ones((SIDE, SIDE)) / SIDE}}
    state = TrainState.create(variables, optimizer, rng=jax.random.key(0))
    compiled = compile_step(
        make_step(loss, optimizer, total_steps=50), lambda constants, inputs: constants[0][inputs]
    )
    profile = profile_steps(compiled, state, regression.Feed(), tmp_path, steps=4)
    slowest = profile.operations[0]
    assert "large" in slowest.source
    assert slowest.calls == 1
    assert slowest.milliseconds > 0.1
    times = [operation.milliseconds for operation in profile.operations]
    assert times == sorted(times, reverse=True)
    assert list(profile.folder.glob("*.xplane.pb"))

    text = profile.table(most=2).splitlines()
    assert text[0].startswith(f"a step takes {profile.milliseconds:.2f} ms by the clock")
    assert len(text) == 4
    assert slowest.name in text[2]


def test_the_state_goes_on_as_if_it_had_not_been_profiled(tmp_path):
    compiled, feed = regression.compiled_step(), regression.Feed()
    state = regression.initial_state()
    profile_steps(compiled, state, feed, tmp_path)
    profile_steps(compiled, state, feed, tmp_path, steps=1)
    after, _ = compiled(state, feed.constants, feed.inputs(0))
    expected, _ = compiled(regression.initial_state(), feed.constants, feed.inputs(0))
    jax.tree.map(np.testing.assert_array_equal, after.params, expected.params)
