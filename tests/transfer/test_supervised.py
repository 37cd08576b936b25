import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.transfer.supervised import cross_entropy, sigmoid_cross_entropy, supervised_loss
from tests.draws import normal
from tests.transfer import tiny


def test_cross_entropy_by_hand():
    logits = jnp.array([[0.0, 0.0], [0.0, math.log(3.0)], [math.log(4.0), 0.0]])
    metrics = cross_entropy(logits, jnp.array([0, 1, 1]))
    loss, count = metrics["label_loss"]
    np.testing.assert_allclose(loss, math.log(2) + math.log(4 / 3) + math.log(5), rtol=1e-6)
    assert count == 3
    assert metrics["label_accuracy"][0] == 2


def test_sigmoid_cross_entropy_by_hand():
    """Probabilities 3/4 and 1/2 of what is there, 1/4 of what is not, and one not to be judged."""
    logits = jnp.array([[math.log(3.0), 0.0], [-math.log(3.0), 50.0]])
    metrics = sigmoid_cross_entropy(logits, jnp.array([[1, 1], [-1, 0]]))
    loss, count = metrics["label_loss"]
    np.testing.assert_allclose(loss, math.log(4 / 3) + math.log(2) + math.log(4 / 3), rtol=1e-6)
    assert count == 3
    assert metrics["label_accuracy"] == (2, 3)  # a logit of 0 predicts nothing


def test_sigmoid_cross_entropy_is_optaxs_and_stays_finite():
    logits = jnp.array([[-100.0, -1.0, 0.3, 100.0], [2.0, -3.0, 200.0, -200.0]])
    labels = jnp.array([[1, -1, 1, -1], [1, 1, 1, -1]])
    expected = optax.sigmoid_binary_cross_entropy(logits, (labels == 1) * 1.0).sum()
    np.testing.assert_allclose(
        sigmoid_cross_entropy(logits, labels)["label_loss"][0], expected, rtol=1e-6
    )


def test_what_is_not_to_be_judged_has_no_gradient():
    def mean(logits, labels):
        loss, count = sigmoid_cross_entropy(logits, labels)["label_loss"]
        return loss / count

    logits = jnp.array([[1.0, 500.0, -2.0]])
    gradient = jax.grad(mean)(logits, jnp.array([[1, 0, -1]]))
    # (probability - target) / 2 entries that count.
    expected = [[(1 / (1 + math.exp(-1)) - 1) / 2, 0, 1 / (1 + math.exp(2)) / 2]]
    np.testing.assert_allclose(gradient, expected, rtol=1e-5)
    np.testing.assert_array_equal(jax.grad(mean)(logits, jnp.zeros((1, 3), int)), 0)
    assert mean(logits, jnp.zeros((1, 3), int)) == 0


def test_several_labels_an_image_are_another_criterion():
    net, batch = tiny.net(), tiny.batch()
    params, stats = tiny.variables(net)
    labels = jnp.array([[1, -1, 0], [1, 1, -1], [-1, -1, 1], [0, 0, 1]])
    loss = supervised_loss(net, criterion=sigmoid_cross_entropy)
    several = {"source": {"image": batch["source"]["image"], "label": labels}}
    value, (_, metrics) = loss(params, stats, several, jax.random.key(0), jnp.asarray(0.0))
    logits, _ = net.apply({"params": params}, batch["source"]["image"])
    targets = jnp.maximum(labels, 0) * 1.0
    each = optax.sigmoid_binary_cross_entropy(logits, targets)[labels != 0]
    np.testing.assert_allclose(value, each.mean(), rtol=1e-6)
    assert metrics["label_accuracy"][1] == 9


LOGITS = jnp.array([[0.0, math.log(3.0)]])  # log-probabilities log 1/4 and log 3/4


def test_smoothed_labels_by_hand():
    loss, _ = cross_entropy(LOGITS, jnp.array([0]), smoothing=0.2)["label_loss"]
    np.testing.assert_allclose(loss, 0.9 * math.log(4) + 0.1 * math.log(4 / 3), rtol=1e-6)


def test_soft_labels_by_hand():
    soft = jnp.array([[0.3, 0.7]])
    metrics = cross_entropy(LOGITS, soft)
    expected = 0.3 * math.log(4) + 0.7 * math.log(4 / 3)
    np.testing.assert_allclose(metrics["label_loss"][0], expected, rtol=1e-6)
    assert metrics["label_accuracy"] == (1.0, 1.0)
    assert cross_entropy(LOGITS, soft[:, ::-1])["label_accuracy"][0] == 0.0
    smoothed, _ = cross_entropy(LOGITS, soft, smoothing=0.2)["label_loss"]
    expected = 0.34 * math.log(4) + 0.66 * math.log(4 / 3)
    np.testing.assert_allclose(smoothed, expected, rtol=1e-6)


def test_soft_labels_of_one_class_are_that_class():
    logits = normal(0, (8, 5))
    labels = jnp.arange(8) % 5
    hard, soft = cross_entropy(logits, labels), cross_entropy(logits, jnp.eye(5)[labels])
    np.testing.assert_allclose(soft["label_loss"], hard["label_loss"], rtol=1e-6)
    assert soft["label_accuracy"] == hard["label_accuracy"]


@pytest.mark.parametrize("criterion", [cross_entropy, sigmoid_cross_entropy])
def test_the_loss_of_bfloat16_logits_is_computed_in_float32(criterion):
    logits = normal(0, (64, 64)).astype(jnp.bfloat16)
    labels = jnp.arange(64)
    if criterion is sigmoid_cross_entropy:
        labels = 2 * jnp.eye(64) - 1
    metrics, expected = (criterion(given, labels) for given in (logits, logits.astype(jnp.float32)))
    assert metrics == expected


def test_the_loss_is_the_mean_over_the_named_domain():
    net, batch = tiny.net(), tiny.batch()
    params, stats = tiny.variables(net)
    loss = supervised_loss(net)
    value, (new_stats, metrics) = loss(params, stats, batch, jax.random.key(0), jnp.asarray(0.0))
    logits, _ = net.apply({"params": params}, batch["source"]["image"])
    expected = cross_entropy(logits, batch["source"]["label"])["label_loss"][0] / 4
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    assert new_stats == {}
    assert metrics["label_accuracy"][1] == 4


def test_only_the_statistics_of_its_domain_move():
    net, batch = tiny.net(norm=True), tiny.batch()
    params, stats = tiny.variables(net)
    loss = supervised_loss(net, domain_index=1)
    _, (new_stats, _) = loss(params, stats, batch, jax.random.key(0), jnp.asarray(0.0))
    before, after = (
        tree["batch_stats"]["trunk"]["conv1"]["norm"]["mean"] for tree in (stats, new_stats)
    )
    np.testing.assert_array_equal(after[0], before[0])
    assert not np.array_equal(after[1], before[1])


def test_the_domain_head_gets_no_gradient():
    net = tiny.net()
    params, stats = tiny.variables(net)
    gradients = tiny.gradient(supervised_loss(net), params, stats, tiny.batch())
    assert all((leaf == 0).all() for leaf in jax.tree.leaves(gradients["domain_head"]))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("wrong", [-1, 2, 200])
def test_what_is_no_class_trains_none(wrong, smoothing):
    """-1 trained the last class: its loss is NaN, which is seen, and the others' gradient stays."""

    @jax.jit
    def loss(logits, labels):
        return cross_entropy(logits, labels, smoothing=smoothing)["label_loss"][0]

    logits, labels = jnp.array([[0.0, 1.0], [2.0, 0.5]]), jnp.array([1, wrong])
    assert jnp.isnan(loss(logits, labels))
    gradient = jax.grad(loss)(logits, labels)
    np.testing.assert_allclose(gradient[0], jax.grad(loss)(logits[:1], labels[:1])[0], rtol=1e-6)
    np.testing.assert_array_equal(gradient[1], 0)


@pytest.mark.parametrize("dtype", [jnp.uint8, jnp.int8, jnp.int32])
def test_class_numbers_of_any_integer_type(dtype):
    loss, _ = cross_entropy(LOGITS, jnp.array([0], dtype))["label_loss"]
    np.testing.assert_allclose(loss, math.log(4), rtol=1e-6)
    with pytest.raises(ValueError, match="labels are float32; expected integers"):
        cross_entropy(LOGITS, jnp.array([0.5]))


def test_unsigned_signs_are_refused():
    """Of uint8, -1 is 255: the loss was 510 and its gradient 255."""
    logits, labels = jnp.array([[-2.0, 3.0]]), jnp.array([[1, 0]], jnp.uint8)
    for call in (sigmoid_cross_entropy, jax.jit(sigmoid_cross_entropy)):
        with pytest.raises(ValueError, match="labels are uint8, which has no -1"):
            call(logits, labels)


def test_signs_of_zeros_and_ones_are_refused():
    """All that is not shown was left out."""
    with pytest.raises(ValueError, match=r"but no -1 \(not shown\).*2 \* labels - 1"):
        sigmoid_cross_entropy(jnp.zeros((2, 2)), jnp.array([[1, 0], [0, 1]]))


def test_signs_of_8_bits_and_floats_are_signs():
    logits, labels = jnp.array([[1.0, -2.0, 5.0]]), np.array([[1, -1, 0]])
    expected = math.log1p(math.exp(-1)) + math.log1p(math.exp(-2))
    for dtype in (np.int8, np.float32):
        loss, count = sigmoid_cross_entropy(logits, jnp.asarray(labels.astype(dtype)))["label_loss"]
        np.testing.assert_allclose(loss, expected, rtol=1e-6)
        assert count == 2


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("classes", [256, 300])
def test_labels_of_one_byte_beside_more_classes_than_it_counts(classes, smoothing):
    """All classes alike: the loss is the log of their number."""
    labels = jnp.array([3, 200], jnp.uint8)
    total, count = cross_entropy(jnp.zeros((2, classes)), labels, smoothing=smoothing)["label_loss"]
    assert total / count == pytest.approx(np.log(classes), rel=1e-5)


def test_a_class_that_counts_thrice():
    logits = jnp.log(jnp.array([[0.5, 0.5], [0.2, 0.8], [0.9, 0.1]]))
    found = cross_entropy(logits, jnp.array([0, 1, 0]), class_weight=jnp.array([1.0, 3.0]))
    total, weight = found["label_loss"]
    assert float(weight) == 5
    expected = -(np.log(0.5) + 3 * np.log(0.8) + np.log(0.9))
    assert float(total) == pytest.approx(expected, rel=1e-5)
    assert float(found["label_accuracy"][1]) == 3
    shares = jnp.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    same = cross_entropy(logits, shares, class_weight=jnp.array([1.0, 3.0]))
    assert float(same["label_loss"][0]) == pytest.approx(expected, rel=1e-5)
