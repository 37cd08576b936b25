import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.spatial.distance import cdist

from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.adaptation.shot import (
    SHOT_RULES,
    pseudo_labels,
    shot_loss,
    with_centroids,
)
from jtransfer.transfer.parameter_groups import parameter_groups
from tests.transfer.adaptation.penalties import TARGET, TARGET_LOGITS, softmax
from tests.transfer.adaptation.small_nets import NET, batch, variables_of


def papers_labels(features, guesses):
    """Section 3 on a whole target at once, with scipy's cosine distances."""
    rows = np.concatenate([features, np.ones((len(features), 1))], axis=1)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    centroids = guesses.T @ rows / guesses.sum(axis=0)[:, None]
    labels = cdist(rows, centroids, "cosine").argmin(axis=1)
    there = np.unique(labels)
    centroids = np.stack([rows[labels == c].mean(axis=0) for c in there])
    return there[cdist(rows, centroids, "cosine").argmin(axis=1)]


def empty(classes=3, dims=4):
    return with_centroids({}, classes=classes, dims=dims)["centroids"]


@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_the_papers_pseudo_labels(decay):
    """A first batch that is the whole target: running means that began at nothing are its own."""
    random = np.random.default_rng(1)
    features, guesses = random.normal(size=(40, 4)), random.dirichlet(np.full(3, 0.4), 40)
    labels, _ = pseudo_labels(empty(), jnp.asarray(features), jnp.asarray(guesses), decay=decay)
    np.testing.assert_array_equal(labels, papers_labels(features, guesses))
    assert (np.asarray(labels) != guesses.argmax(axis=1)).any()


def test_centroids_are_running_means_over_batches():
    random = np.random.default_rng(1)
    features = random.normal(size=(2, 10, 4)).astype(np.float32)
    guesses = random.dirichlet(np.ones(3), (2, 10)).astype(np.float32)
    centroids = empty()
    for one in range(2):
        _, centroids = pseudo_labels(centroids, features[one], guesses[one], decay=0.75)
    expected = 0.25 * (0.75 * guesses[0].mean(axis=0) + guesses[1].mean(axis=0))
    np.testing.assert_allclose(centroids["by_probability"]["shares"], expected, rtol=1e-5)


def test_no_example_is_given_to_a_class_that_is_absent():
    guesses = np.array([[0.5, 0.5, 0.0], [0.9, 0.1, 0.0]])
    labels, _ = pseudo_labels(empty(), -jnp.ones((2, 4)), jnp.asarray(guesses), decay=0.0)
    assert set(labels.tolist()) <= {0, 1}


class Given:
    """A net that gives the target's features and logits, times its parameter."""

    def apply(self, variables, **_):
        return tuple(
            variables["params"] * jnp.asarray(each, jnp.float32) for each in (TARGET, TARGET_LOGITS)
        ), {}


def test_the_loss_and_its_gradient_by_torch():
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    scale = torch.ones((), dtype=torch.float64, requires_grad=True)
    logits = scale * torch.tensor(TARGET_LOGITS, dtype=torch.float64)
    p = torch.softmax(logits, dim=1)
    mean = p.mean(dim=0)
    information = -(p * p.log()).sum(dim=1).mean() + (mean * mean.log()).sum()
    labels = torch.tensor(papers_labels(TARGET, softmax(TARGET_LOGITS)))
    expected = information + 0.3 * functional.cross_entropy(logits, labels)
    expected.backward()
    loss = shot_loss(Given(), weight=0.3)
    stats = {"centroids": empty()}
    value, gradient = jax.value_and_grad(
        lambda p: loss(p, stats, {"target": {"image": None}}, jax.random.key(0), 0.0)[0]
    )(jnp.ones(()))
    np.testing.assert_allclose(value, float(expected.detach()), atol=1e-6)
    np.testing.assert_allclose(gradient, float(scale.grad), rtol=1e-4)


def test_the_classifier_is_kept():
    variables, given = variables_of("shot"), batch()
    groups = parameter_groups(variables["params"], SHOT_RULES)
    optimizer = groups.optimizer(optax.sgd(0.1))
    step = make_step(shot_loss(NET), optimizer, total_steps=2, trainable=groups.trainable)
    state = TrainState.create(variables, optimizer, rng=jax.random.key(0))
    after, _ = jax.jit(step)(state, {"target": given["target"]})
    jax.tree.map(
        np.testing.assert_array_equal, after.params["label_head"], variables["params"]["label_head"]
    )
    kernels = after.params["trunk"]["fc1"]["kernel"], variables["params"]["trunk"]["fc1"]["kernel"]
    assert not np.allclose(*kernels)
    assert after.stats["centroids"]["by_label"]["shares"].sum() > 0


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"decay 1; expected a weight of 0 or more and a decay"):
        shot_loss(NET, decay=1)
