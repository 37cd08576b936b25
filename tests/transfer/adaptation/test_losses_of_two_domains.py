"""What holds of every loss of two domains."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from tests.transfer.adaptation.small_nets import COUNT, LOSSES, batch, variables_of


@pytest.mark.parametrize("name", LOSSES)
def test_the_targets_labels_change_nothing_and_it_may_lack_classes(name):
    """Also a step keeps the form of the state, and all numbers are finite."""
    variables = variables_of(name)
    optimizer = optax.sgd(0.1)
    step = jax.jit(make_step(LOSSES[name][1], optimizer, total_steps=4))
    states = []
    for given in (batch(target_label=0), batch(target_label=-99), batch(target_class=1)):
        state = TrainState.create(variables, optimizer, rng=jax.random.key(0))
        for _ in range(2):
            state, metrics = step(state, given)
        assert all(np.isfinite(total) for total, _ in metrics.values()), metrics
        states.append((state.params, state.stats))
    jax.tree.map(np.testing.assert_array_equal, states[0], states[1])
    for leaf in jax.tree.leaves(states[2]):
        assert np.isfinite(leaf).all()
    assert jax.tree.structure(state.stats) == jax.tree.structure(
        {name: tree for name, tree in variables.items() if name != "params"}
    )
    moved = jax.tree.map(lambda a, b: np.abs(a - b).max(), states[0][0], variables["params"])
    assert max(jax.tree.leaves(moved)) > 0


@pytest.mark.parametrize("name", ["cdan_e", "mdd", "self_training", "shot"])
def test_in_two_parts_the_step_is_that_of_the_whole_batch(name):
    """Of losses that are means over the examples; others compare the examples of a part."""
    variables = variables_of(name)
    optimizer = optax.sgd(1.0)
    given = batch()
    moved = []
    for accumulate in (1, 2):
        step = make_step(LOSSES[name][1], optimizer, total_steps=2, accumulate=accumulate)
        state = TrainState.create(variables, optimizer, rng=jax.random.key(0))
        state = state.replace(step=jnp.ones((), jnp.int32))  # every ramp is up
        state, _ = jax.jit(step)(state, given)
        moved.append((state.params, state.stats))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), *moved)


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in ("shot", "tent")])
def test_batches_of_two_sizes_are_refused(name):
    given, variables = batch(), variables_of(name)
    given["target"] = {"image": given["target"]["image"][: COUNT - 1]}
    stats = {each: tree for each, tree in variables.items() if each != "params"}
    with pytest.raises(ValueError, match=r"\(8, 4\).*\(7, 4\) differ in shape"):
        jax.eval_shape(
            LOSSES[name][1], variables["params"], stats, given, jax.random.key(0), jnp.ones(())
        )
