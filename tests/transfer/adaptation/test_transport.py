import numpy as np
import pytest

from jtransfer.transfer.adaptation.transport import fit_transport
from tests.transfer.two_domains import domains, ellipse


def test_the_barycentric_map_of_pot(ot):
    source, target = ellipse(20, [2, 1]), ellipse(30, [1, 2], seed=1) + 3
    cost = ot.dist(source - source.mean(axis=0), target - target.mean(axis=0))
    plan = ot.sinkhorn(
        ot.unif(20), ot.unif(30), cost / cost.mean(), 0.05, method="sinkhorn_log", stopThr=1e-9
    )
    expected = plan @ target / plan.sum(axis=1, keepdims=True)
    fitted = fit_transport(source, target)
    np.testing.assert_allclose(fitted.moved, expected, atol=1e-3)
    np.testing.assert_allclose(fitted.source(source), expected, atol=1e-3)


def test_others_are_carried_as_their_nearest_anchor_is():
    source = np.array([[0, 0], [10, 0]], np.float32)
    fitted = fit_transport(source, source + np.float32(100), regularisation=1e-3)
    np.testing.assert_allclose(fitted.moved, source + 100, atol=1e-2)
    np.testing.assert_allclose(
        fitted.source([[1.0, 2.0], [8.0, 1.0]]), [[101, 102], [108, 101]], atol=1e-2
    )


def test_classes_stay_together():
    source, labels, target = domains(angle=0.3)
    moved = np.asarray(fit_transport(source, target).source(source))
    nearest = np.square(moved[:, None] - target[None]).sum(axis=2).argmin(axis=1)
    assert (labels[nearest] == labels).mean() > 0.95


def test_what_cannot_be_carried(monkeypatch):
    source, _, target = domains()
    with pytest.raises(ValueError, match="expected a positive share"):
        fit_transport(source, target, regularisation=0)
    monkeypatch.setenv("JTRANSFER_MEMORY", "0.00001")
    with pytest.raises(ValueError, match="distances of 90 source and 90 target examples would"):
        fit_transport(source, target)
