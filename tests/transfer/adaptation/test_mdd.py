import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.transfer.adaptation.mdd import disparity, mdd_loss, tenth_of_ramp
from tests.transfer.adaptation.small_nets import NET, TWO_HEADS, batch, variables_of

RANDOM = np.random.default_rng(0)
FIRST, SECOND = RANDOM.normal(size=(2, 2, 6, 3))  # each of source and target


def test_the_papers_disparity_by_torch():
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    (s, t), (s2, t2) = (torch.tensor(each) for each in (FIRST, SECOND))
    agree = functional.cross_entropy(s2, s.argmax(dim=1))
    against = torch.log(1 - torch.softmax(t2, dim=1))
    expected = 4 * agree + functional.nll_loss(against, t.argmax(dim=1))
    guesses = FIRST.argmax(axis=2)
    found = disparity(*jnp.asarray(SECOND, jnp.float32), *jnp.asarray(guesses), margin=4.0)
    np.testing.assert_allclose(found, float(expected), rtol=1e-5)


def test_a_second_classifier_that_is_sure_has_a_finite_disparity():
    sure = jnp.array([[200.0, 0.0, 0.0]])
    guess = jnp.array([0])

    def of_target(logits):
        return disparity(sure, logits, guess, guess, margin=1.0)

    np.testing.assert_allclose(of_target(sure), 200 - np.log(2), rtol=1e-5)
    assert np.isfinite(jax.grad(of_target)(sure)).all()


def test_who_learns_what():
    """The first head from labels alone, the second at full rate, the trunk against it."""
    params, given = variables_of("mdd")["params"], batch()

    def gradient(reversal, margin=4.0):
        loss = mdd_loss(TWO_HEADS, margin=margin, reversal=lambda progress: reversal)
        return jax.jit(jax.grad(lambda p: loss(p, {}, given, jax.random.key(0), 0.0)[0]))(params)

    none, half, whole = (gradient(each) for each in (0.0, 0.5, 1.0))
    for part in ("label_head", "domain_head"):
        jax.tree.map(np.testing.assert_array_equal, none[part], whole[part])
    jax.tree.map(
        lambda a, b, c: np.testing.assert_allclose(c - a, 2 * (b - a), rtol=1e-3, atol=1e-6),
        none["trunk"],
        half["trunk"],
        whole["trunk"],
    )

    def second(p):
        _, logits = TWO_HEADS.apply({"params": p}, given["source"]["image"], method=both)
        _, others = TWO_HEADS.apply({"params": p}, given["target"]["image"], method=both)
        guesses = (
            TWO_HEADS.apply({"params": params}, given[d]["image"], method="predict").argmax(axis=1)
            for d in ("source", "target")
        )
        return disparity(logits, others, *guesses, margin=4.0)

    def both(net, images):
        features = net.features(images)
        return net.classify(features), net.domain_logits(features)

    expected = jax.jit(jax.grad(second))(params)
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)  # noqa: E731
    jax.tree.map(close, whole["domain_head"], expected["domain_head"])
    jax.tree.map(
        lambda a, b, c: np.testing.assert_allclose(b - a, -c, rtol=1e-3, atol=1e-6),
        none["trunk"],
        whole["trunk"],
        expected["trunk"],
    )


def test_the_ramp_and_what_is_refused():
    np.testing.assert_allclose(tenth_of_ramp(jnp.asarray(1.0)), 0.1, rtol=1e-3)
    with pytest.raises(ValueError, match="margin is 0; expected a positive number"):
        mdd_loss(TWO_HEADS, margin=0)
    params = variables_of("coral")["params"]
    with pytest.raises(ValueError, match="domain head has 1 outputs for 3 classes"):
        mdd_loss(NET)(params, {}, batch(), jax.random.key(0), jnp.ones(()))
