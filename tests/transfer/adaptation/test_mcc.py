import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.transfer.adaptation.mcc import class_confusion, mcc_loss
from tests.transfer.adaptation.penalties import TARGET_LOGITS, Given, label_loss, parts, softmax


def papers_confusion(logits, temperature):
    """Class by class, as section 3 has it."""
    y = softmax(logits / temperature)
    entropy = -(y * np.log(y)).sum(axis=1)
    w = len(y) * (1 + np.exp(-entropy)) / (1 + np.exp(-entropy)).sum()
    classes = range(y.shape[1])
    c = np.array([[(y[:, j] * w * y[:, k]).sum() for k in classes] for j in classes])
    c = c / c.sum(axis=1, keepdims=True)
    return sum(c[j, k] for j in classes for k in classes if j != k) / len(classes)


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_the_papers_formula(temperature):
    found = class_confusion(jnp.asarray(TARGET_LOGITS), temperature=temperature)
    np.testing.assert_allclose(found, papers_confusion(TARGET_LOGITS, temperature), rtol=1e-5)


def test_from_none_to_all():
    sure, unsure = 100 * np.eye(3)[[0, 1, 2, 2]], np.zeros((4, 3))
    np.testing.assert_allclose(class_confusion(jnp.asarray(sure)), 0, atol=1e-6)
    np.testing.assert_allclose(class_confusion(jnp.asarray(unsure)), 2 / 3, rtol=1e-6)


def test_the_weights_are_constants():
    """The gradient that torch finds where no gradient is taken of them."""
    torch = pytest.importorskip("torch")
    logits = torch.tensor(TARGET_LOGITS, requires_grad=True)
    y = torch.softmax(logits / 2.5, dim=1)
    with torch.no_grad():
        w = 1 + torch.exp((y * y.log()).sum(dim=1))
        w = w / w.mean()
    c = (y * w[:, None]).T @ y
    c = c / c.sum(dim=1, keepdim=True)
    ((c.sum() - c.trace()) / 3).backward()
    slope = float((logits.grad * logits.detach()).sum())
    gradients = [parts(mcc_loss(Given(), weight=weight))[1] for weight in (0.0, 1.0)]
    np.testing.assert_allclose(gradients[1] - gradients[0], slope, rtol=1e-3)


def test_the_loss_is_the_label_loss_and_the_weighted_confusion():
    value, _, _ = parts(mcc_loss(Given(), weight=0.5))
    expected = label_loss() + 0.5 * papers_confusion(TARGET_LOGITS, 2.5)
    np.testing.assert_allclose(value, expected, rtol=1e-5)


def test_a_temperature_of_0():
    with pytest.raises(ValueError, match="temperature is 0; expected a positive"):
        mcc_loss(Given(), temperature=0)
