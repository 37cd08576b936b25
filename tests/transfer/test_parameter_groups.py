import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.transfer.parameter_groups import RuleError, parameter_groups


@pytest.fixture
def params():
    return {
        "trunk": {
            "conv1": {"kernel": jnp.ones((2, 3)), "bias": jnp.ones(3)},
            "conv2": {"kernel": jnp.full((3, 2), 2.0)},
        },
        "head": {"kernel": jnp.full((2, 1), 3.0)},
    }


def steps(params, groups, base, count=5):
    optimizer = groups.optimizer(base)
    state = optimizer.init(params)
    for step in range(count):
        gradients = jax.tree.map(lambda p, step=step: jnp.cos(p + step), params)
        updates, state = optimizer.update(gradients, state, params)
        params = optax.apply_updates(params, updates)
    return params, state


@pytest.mark.parametrize(
    "base", [optax.adamw(0.1, weight_decay=0.5), optax.sgd(0.1, momentum=0.9)], ids=["adamw", "sgd"]
)
def test_frozen_leaves_do_not_move_by_a_bit_and_have_no_optimizer_state(params, base):
    groups = parameter_groups(params, {"trunk/conv1/.*": "frozen", ".*": "full"})
    after, state = steps(params, groups, base)
    jax.tree.map(np.testing.assert_array_equal, after["trunk"]["conv1"], params["trunk"]["conv1"])
    assert not np.array_equal(after["head"]["kernel"], params["head"]["kernel"])
    held = {leaf.shape for leaf in jax.tree.leaves(state) if leaf.ndim}
    assert held == {(3, 2), (2, 1)}


def test_moving_leaves_move_as_if_they_were_alone(params):
    base = optax.adamw(0.1, weight_decay=0.5)
    groups = parameter_groups(params, {"trunk/.*": "frozen", "head/.*": "full"})
    after, _ = steps(params, groups, base)
    alone = parameter_groups({"head": params["head"]}, {".*": "full"})
    expected, _ = steps({"head": params["head"]}, alone, base)
    np.testing.assert_array_equal(after["head"]["kernel"], expected["head"]["kernel"])


def test_a_factor_scales_the_learning_rate(params):
    groups = parameter_groups(params, {"trunk/.*": 0.25, "head/.*": "full"})
    after, _ = steps(params, groups, optax.sgd(0.1), count=1)
    moved = after["trunk"]["conv2"]["kernel"] - params["trunk"]["conv2"]["kernel"]
    np.testing.assert_allclose(moved, np.full((3, 2), -0.1 * 0.25 * np.cos(2.0)), rtol=1e-5)
    assert set(groups.scales.values()) == {0.25, 1.0}


def test_the_norm_that_is_clipped_is_that_of_all_moving_parameters(params):
    groups = parameter_groups(params, {"trunk/conv1/.*": "frozen", "trunk/.*": 0.5, ".*": "full"})
    optimizer = groups.optimizer(optax.sgd(1.0), clip=2.0)
    # 6 and 2 entries of 2 move: norm sqrt(8 * 4), and the frozen 9 of 100 do not count.
    gradients = jax.tree.map(lambda leaf: jnp.full_like(leaf, 2.0), params)
    gradients["trunk"]["conv1"] = jax.tree.map(lambda leaf: leaf * 50.0, params["trunk"]["conv1"])
    updates, _ = optimizer.update(gradients, optimizer.init(params), params)
    each = 2.0 * 2.0 / np.sqrt(32.0)
    np.testing.assert_allclose(updates["head"]["kernel"], np.full((2, 1), -each), rtol=1e-6)
    np.testing.assert_allclose(
        updates["trunk"]["conv2"]["kernel"], np.full((3, 2), -each / 2), rtol=1e-6
    )
    assert not any(leaf.any() for leaf in jax.tree.leaves(updates["trunk"]["conv1"]))


def test_a_short_gradient_is_not_clipped(params):
    groups = parameter_groups(params, {"trunk/.*": "frozen", "head/.*": "full"})
    gradients = jax.tree.map(jnp.ones_like, params)
    optimizer = groups.optimizer(optax.sgd(0.1), clip=2.0)  # the head's norm is sqrt(2)
    updates, _ = optimizer.update(gradients, optimizer.init(params), params)
    np.testing.assert_allclose(updates["head"]["kernel"], np.full((2, 1), -0.1), rtol=1e-6)
    with pytest.raises(ValueError, match="clip is 0; expected a positive norm"):
        groups.optimizer(optax.sgd(0.1), clip=0)


def test_the_first_rule_that_matches_decides(params):
    groups = parameter_groups(params, {".*/bias": "full", "trunk/.*": "frozen", ".*": 0.5})
    assert groups.labels["trunk"]["conv1"] == {"bias": "full", "kernel": "frozen"}
    assert groups.trainable["trunk"]["conv1"] == {"bias": True, "kernel": False}
    assert groups.labels["head"]["kernel"] == "scaled by 0.5"
    assert groups.count(params) == (3 + 2, 6 + 6)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"trunk/.*": "frozen"}, "no rule covers head/kernel.*frozen' or 'full"),
        (
            {"trunk/conv3/.*": "full", ".*": "full"},
            "'trunk/conv3/.*' matches no parameter; the closest are trunk/conv",
        ),
        ({".*": "full", "head/.*": "frozen"}, "'head/.*' decides nothing.*more special rule first"),
        ({".*": "freeze"}, "'freeze'; expected 'frozen', 'full' or a positive factor"),
        ({".*": -1.0}, "-1.0; expected"),
        ({"trunk/.*": "frozen", ".*": "frozen"}, "freeze all 4 leaves.*some that move"),
    ],
)
def test_rules_that_do_not_fit_are_errors(params, rules, message):
    with pytest.raises(RuleError, match=message):
        parameter_groups(params, rules)
