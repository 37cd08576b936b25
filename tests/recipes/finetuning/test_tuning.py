import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.recipes.finetuning.tuning import Tuning
from tests.recipes.finetuning.toy_domains import tiny_net


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"regime": "full", "penalty": (0.1,)}, r"penalty=\(0\.1,\); expected alpha and beta"),
        ({"regime": "frozen", "penalty": (0.1, 0.01)}, "'frozen' with L2-SP; expected a regime"),
        ({"regime": "scratch", "penalty": (0.1, 0.01)}, "'scratch' with L2-SP; expected a regime"),
        ({"regime": "lp_ft", "hidden": (9,)}, r"'lp_ft' with hidden=\(9,\); expected a linear"),
        ({"regime": "all"}, "no regime 'all'; expected one of scratch, frozen"),
    ],
)
def test_what_does_not_fit_together_is_refused_before_anything_is_trained(wrong, said):
    with pytest.raises(ValueError, match=said):
        Tuning(**wrong)


def test_the_penalty_is_in_the_loss():
    """Away by 1 in every number of the trunk: alpha / 2 of their count, and beta / 2 |head|^2."""
    net, held = tiny_net(classes=3), Tuning("full", penalty=(0.5, 0.25))
    images, labels = jnp.ones((2, 12, 12, 1)), jnp.array([0, 2])
    variables = net.init(jax.random.key(0), images)
    start = held.start(variables)
    away = {**start["params"], "trunk": jax.tree.map(lambda leaf: leaf + 1, start["start"])}
    stats = {name: tree for name, tree in start.items() if name != "params"}
    batch = {"target": {"image": images, "label": labels}}
    _, (_, metrics) = held.loss(net)(away, stats, batch, jax.random.key(1), jnp.zeros(()))
    count = sum(leaf.size for leaf in jax.tree.leaves(start["start"]))
    head = sum(float((leaf**2).sum()) for leaf in jax.tree.leaves(away["head"]))
    np.testing.assert_allclose(metrics["penalty"][0], 0.25 * count + 0.125 * head, rtol=1e-5)


def test_without_penalty_nothing_is_held():
    assert Tuning("full").start({"params": {"trunk": 1}}) == {"params": {"trunk": 1}}
