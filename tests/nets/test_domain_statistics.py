import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.domain_statistics import statistics_of_domain, statistics_per_domain

VARIABLES = {
    "params": {"stem": {"norm": {"scale": np.array([2.0, 3.0])}}},
    "batch_stats": {"stem": {"norm": {"mean": np.array([0.5, 1.5]), "var": np.array([4.0, 9.0])}}},
}


def test_every_domain_starts_from_the_same_by_hand():
    changed = statistics_per_domain(VARIABLES, 3)
    assert changed["params"] is VARIABLES["params"]
    norm = changed["batch_stats"]["stem"]["norm"]
    np.testing.assert_array_equal(norm["mean"], [[0.5, 1.5]] * 3)
    np.testing.assert_array_equal(norm["var"], [[4, 9]] * 3)


def test_one_domain_is_taken_out_by_hand():
    changed = statistics_per_domain(VARIABLES, 2)
    stats = changed["batch_stats"]["stem"]["norm"]
    moved = {**stats, "mean": stats["mean"].at[1].set(jnp.array([7.0, 8.0]))}
    changed = {**changed, "batch_stats": {"stem": {"norm": moved}}}
    taken = statistics_of_domain(changed, 1)["batch_stats"]["stem"]["norm"]
    np.testing.assert_array_equal(taken["mean"], [7, 8])
    np.testing.assert_array_equal(taken["var"], [4, 9])
    back = statistics_of_domain(changed, 0)
    jax.tree.map(np.testing.assert_array_equal, back, VARIABLES)


def test_a_net_without_batch_norm_stays():
    assert statistics_per_domain({"params": {}}, 2) == {"params": {}}


def test_shapes_alone_are_changed_too():
    shapes = jax.eval_shape(lambda: statistics_per_domain(VARIABLES, 2))
    assert shapes["batch_stats"]["stem"]["norm"]["var"].shape == (2, 2)


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match="num_domains is 0; expected one at least"):
        statistics_per_domain(VARIABLES, 0)
    twice = statistics_per_domain(VARIABLES, 2)
    says = r"batch_stats/stem/norm/mean is \[2, 2\]; expected statistics \[channels\]"
    with pytest.raises(ValueError, match=says):
        statistics_per_domain(twice, 2)
    says = r"batch_stats/stem/norm/mean is \[2\]; expected statistics \[domains, channels\]"
    with pytest.raises(ValueError, match=says):
        statistics_of_domain(VARIABLES, 0)
    with pytest.raises(ValueError, match="domain 2: expected a number below 2"):
        statistics_of_domain(twice, 2)
