import numpy as np
import pytest

from jtransfer.transfer.adaptation.afn import afn_loss
from tests.transfer.adaptation import penalties
from tests.transfer.adaptation.penalties import SOURCE, TARGET, Given, label_loss, parts


def test_the_value_is_that_of_the_steps_alone():
    value, _, _ = parts(afn_loss(Given(), step=0.5, weight=0.1))
    np.testing.assert_allclose(value, label_loss() + 0.1 * 2 * 0.25, rtol=1e-5)


def test_the_gradient_makes_norms_larger():
    # d (|p f| - c - step)^2 / dp = -2 step |f| at p = 1 and c = |f|, the mean over either domain.
    gradients = [parts(afn_loss(Given(), step=0.5, weight=weight))[1] for weight in (0.0, 0.1)]
    norms = sum(np.linalg.norm(each, axis=1).mean() for each in (SOURCE, TARGET))
    np.testing.assert_allclose(gradients[1] - gradients[0], -0.1 * 2 * 0.5 * norms, rtol=1e-4)


def test_features_of_length_0_have_no_gradient(monkeypatch):
    monkeypatch.setattr(penalties, "SOURCE", 0 * SOURCE)
    assert np.isfinite(parts(afn_loss(Given()))[1])


def test_a_step_of_0():
    with pytest.raises(ValueError, match="step is 0; expected a positive number"):
        afn_loss(Given(), step=0)
