import numpy as np
import pytest

from jtransfer.transfer.adaptation.deep_jdot import deep_jdot_loss
from tests.transfer.adaptation.penalties import (
    LABELS,
    SOURCE,
    TARGET,
    TARGET_LOGITS,
    Given,
    label_loss,
    parts,
    softmax,
)


def costs(feature_cost=0.01, label_cost=1.0):
    distances = np.square(SOURCE[:, None] - TARGET[None]).sum(axis=2)
    entropies = -np.log(softmax(TARGET_LOGITS))[:, LABELS].T
    return feature_cost * distances + label_cost * entropies


def test_the_cost_of_pots_plan(ot):
    cost = costs(0.1, 0.5)
    plan = ot.sinkhorn(
        ot.unif(6), ot.unif(6), cost / cost.mean(), 0.2, method="sinkhorn_log", stopThr=1e-10
    )
    loss = deep_jdot_loss(Given(), feature_cost=0.1, label_cost=0.5, regularisation=0.2, most=500)
    value, _, metrics = parts(loss)
    np.testing.assert_allclose(metrics["transport_cost"], (plan * cost).sum(), rtol=1e-3)
    np.testing.assert_allclose(value, label_loss() + (plan * cost).sum(), rtol=1e-3)


def test_the_default_is_close_to_the_exact_plan(ot):
    exact = ot.emd2(ot.unif(6), ot.unif(6), costs())
    _, _, metrics = parts(deep_jdot_loss(Given()))
    assert exact - 1e-4 <= metrics["transport_cost"] < 1.1 * exact


def test_the_plan_is_a_constant_to_the_gradient(ot):
    """With features alone the cost is the square of the parameter: its slope is twice it."""
    losses = [deep_jdot_loss(Given(), feature_cost=cost, label_cost=0.0) for cost in (0.0, 0.1)]
    (_, without, _), (_, slope, metrics) = (parts(each) for each in losses)
    np.testing.assert_allclose(slope - without, 2 * metrics["transport_cost"], rtol=1e-4)


def test_what_costs_less_than_nothing():
    with pytest.raises(ValueError, match=r"feature_cost is 0\.01, label_cost -1,"):
        deep_jdot_loss(Given(), label_cost=-1)
