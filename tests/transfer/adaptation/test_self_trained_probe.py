import jax
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from jtransfer.transfer.adaptation.self_trained_probe import fit_self_trained
from jtransfer.transfer.features.probe import fit_softmax


def two_classes(count, moved, seed=0):
    """At -1 and 1, in a plane; the target's are moved along the line between them."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    rows = 0.35 * random.normal(size=(count, 2))
    rows[:, 0] += 2 * labels - 1 + moved
    return rows.astype(np.float32), labels


def test_one_round_is_scikit_learns_fit_to_the_surest():
    (source, labels), (target, _) = two_classes(60, 0.0), two_classes(50, 0.5, seed=1)
    fitted = fit_self_trained(source, labels, target, 0.5, classes=2, shares=(0.4,))
    first = LogisticRegression(C=0.5, tol=1e-8).fit(source, labels)
    rows = first.predict_proba(target)
    guesses, sureness = rows.argmax(axis=1), rows.max(axis=1)
    taken = np.concatenate(
        [
            sorted(np.flatnonzero(guesses == c), key=lambda i: -sureness[i])[
                : int(np.ceil(0.4 * (guesses == c).sum()))
            ]
            for c in (0, 1)
        ]
    )
    second = LogisticRegression(C=0.5, tol=1e-8).fit(
        np.concatenate([source, target[taken]]), np.concatenate([labels, guesses[taken]])
    )
    assert fitted.joined == (len(taken),)
    # Of two classes scikit-learn fits the difference of the weights.
    apart = np.asarray(fitted.probe.weights[:, 1] - fitted.probe.weights[:, 0])
    halved = fit_softmax(
        np.concatenate([source, target[taken]]),
        np.concatenate([labels, guesses[taken]]),
        0.5,
        classes=2,
    )
    np.testing.assert_allclose(
        apart, np.asarray(halved.weights[:, 1] - halved.weights[:, 0]), atol=1e-4
    )
    assert (np.asarray(fitted.probe.predict(target)) == second.predict(target)).mean() > 0.95


def test_it_follows_classes_that_are_moved():
    (source, labels), (target, truth) = two_classes(100, 0.0), two_classes(100, 0.8, seed=1)
    before = fit_softmax(source, labels, 1.0, classes=2)
    after = fit_self_trained(source, labels, target, 1.0, classes=2).probe
    accuracies = [
        float((np.asarray(each.predict(target)) == truth).mean()) for each in (before, after)
    ]
    assert accuracies[1] > accuracies[0] + 0.03


def test_a_class_that_the_target_lacks_and_one_that_only_it_would_have():
    (source, labels), (target, truth) = two_classes(40, 0.0), two_classes(40, 0.2, seed=1)
    fitted = fit_self_trained(source, labels, target[truth == 1], 1.0, classes=3)
    assert (np.asarray(fitted.probe.predict(target[truth == 1])) == 1).mean() > 0.8


def test_domains_of_two_layers_are_refused():
    source, labels = two_classes(10, 0.0)
    with pytest.raises(ValueError, match="from the same layer"):
        fit_self_trained(source, labels, source[:, :1], 1.0, classes=2)


def test_the_first_guesses_may_be_anothers():
    (source, labels), (target, truth) = two_classes(60, 0.0), two_classes(60, 0.3, seed=1)
    other = np.eye(2)[1 - truth] * 0.98 + 0.01  # what knows better, of classes that are exchanged
    fitted = fit_self_trained(
        source[:4], labels[:4], target, 1.0, classes=2, shares=(1.0,), guesses=other
    )
    assert fitted.joined == (60,)
    assert (np.asarray(fitted.probe.predict(target)) == 1 - truth).mean() > 0.9
    own = fit_softmax(source, labels, 1.0, classes=2)
    begun = fit_self_trained(
        source,
        labels,
        target,
        1.0,
        classes=2,
        guesses=np.asarray(jax.nn.softmax(own.decision(target))),
    )
    alone = fit_self_trained(source, labels, target, 1.0, classes=2)
    np.testing.assert_allclose(begun.probe.weights, alone.probe.weights, atol=1e-5)


def test_the_source_is_standardised_as_if_its_classes_were_as_frequent_as_guessed():
    (source, labels), (target, truth) = two_classes(60, 0.0), two_classes(60, 3.0, seed=1)
    few = target[(truth == 1) | (np.arange(60) < 12)]  # 6 and 30, moved by more than their distance
    guesses = np.eye(2)[(few[:, 0] > 3).astype(int)]
    fitted = fit_self_trained(
        source, labels, few, 1.0, classes=2, shares=(1.0,), guesses=guesses, standardised=True
    )
    assert fitted.alignment is not None
    own = truth[(truth == 1) | (np.arange(60) < 12)]
    other, one = (guesses[:, c].sum() / 30 for c in (0, 1))
    mean = np.average(source, axis=0, weights=np.where(labels == 1, one, other))
    np.testing.assert_allclose(fitted.alignment.source.mean, mean, rtol=1e-5)
    np.testing.assert_allclose(fitted.alignment.target.mean, few.mean(axis=0), rtol=1e-5)
    found = np.asarray(fitted.probe.predict(np.asarray(fitted.alignment.target(few))))
    assert (found == own).mean() > 0.9


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"guesses": np.full((9, 2), 0.5)}, r"guesses of shape \(9, 2\); expected .* \(20, 2\)"),
        ({"shares": ()}, "no shares; expected one a round"),
    ],
)
def test_guesses_and_rounds_that_cannot_be_used_are_answered(change, match):
    source, labels = two_classes(20, 0.0)
    with pytest.raises(ValueError, match=match):
        fit_self_trained(source, labels, source, 1.0, classes=2, **change)
