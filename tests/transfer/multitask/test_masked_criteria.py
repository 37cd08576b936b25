import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.transfer.multitask.masked_criteria import masked_cross_entropy, masked_squared_error
from jtransfer.transfer.supervised import cross_entropy
from tests.draws import normal


def test_cross_entropy_by_hand_over_what_has_a_label():
    logits = jnp.array([[0.0, 0.0], [0.0, math.log(3.0)], [9.0, -9.0]])
    metrics = masked_cross_entropy(logits, jnp.array([0, 1, -1]))
    loss, count = metrics["loss"]
    np.testing.assert_allclose(loss, math.log(2) + math.log(4 / 3), rtol=1e-6)
    assert count == 2
    assert metrics["accuracy"] == (2, 2)


def test_with_all_labels_it_is_the_plain_cross_entropy():
    logits, labels = normal(0, (9, 4)), jnp.arange(9) % 4
    metrics, plain = masked_cross_entropy(logits, labels), cross_entropy(logits, labels)
    np.testing.assert_allclose(metrics["loss"], plain["label_loss"], rtol=1e-6)
    assert metrics["accuracy"] == plain["label_accuracy"]


def test_squared_error_by_hand_over_what_has_a_target():
    metrics = masked_squared_error(jnp.array([[1.0], [2.0], [3.0]]), jnp.array([0.5, jnp.nan, 5.0]))
    assert metrics["loss"] == (0.25 + 4.0, 2)
    assert metrics["error"] == (0.5 + 2.0, 2)


@pytest.mark.parametrize(
    ("criterion", "missing"), [(masked_cross_entropy, -1), (masked_squared_error, jnp.nan)]
)
def test_without_labels_loss_and_gradient_are_zero(criterion, missing):
    outputs = jnp.array([[1e4, -1e4], [jnp.inf, 0.0]])
    labels = jnp.full(2, missing)
    assert criterion(outputs[:1], labels[:1])["loss"] == (0, 0)
    gradient = jax.grad(lambda given: criterion(given, labels[:1])["loss"][0])(outputs[:1])
    np.testing.assert_array_equal(gradient, 0)


@pytest.mark.parametrize("criterion", [masked_cross_entropy, masked_squared_error])
def test_bfloat16_outputs_are_judged_in_float32(criterion):
    outputs = normal(0, (64, 8)).astype(jnp.bfloat16)
    labels = jnp.arange(64) % 8
    labels = labels if criterion is masked_cross_entropy else labels * 0.1
    assert criterion(outputs, labels) == criterion(outputs.astype(jnp.float32), labels)


@pytest.mark.parametrize("wrong", [-2, 2])
def test_what_is_neither_a_class_nor_missing_is_nan(wrong):
    """Below -1 nothing was said, and the example left out."""

    @jax.jit
    def loss(logits, labels):
        return masked_cross_entropy(logits, labels)["loss"][0]

    logits, labels = jnp.array([[0.0, 1.0], [2.0, 0.5]]), jnp.array([1, wrong])
    assert jnp.isnan(loss(logits, labels))
    np.testing.assert_array_equal(jax.grad(loss)(logits, labels)[1], 0)
    assert jnp.isfinite(loss(logits, jnp.array([1, -1], jnp.int8)))
