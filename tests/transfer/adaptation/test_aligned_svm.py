import jax
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn.decomposition import PCA
from sklearn.svm import LinearSVC

from jtransfer.transfer.adaptation.aligned_svm import fit_aligned_svm, fit_aligned_svm_by_oracle
from tests.transfer.two_domains import CLASSES, domains, ellipse, folds

COMPILATION = "/jax/core/compile/backend_compile_duration"


def shared(source, labels, penalties=(0.1, 1.0)):
    return {"classes": CLASSES, "penalties": penalties, "folds": folds(source, labels)}


def right(fitted, target, labels):
    return np.mean(np.asarray(fitted.predict(target)) == labels)


def test_alignment_mends_a_shift():
    source, labels, target = domains(angle=0.1)
    plain = LinearSVC(C=1.0).fit(source, labels)
    assert np.mean(plain.predict(target) == labels) < 0.7
    fitted = fit_aligned_svm(source, labels, target, **shared(source, labels))
    assert right(fitted, target, labels) > 0.95
    assert fitted.chosen_by == "agreement on the target among 4 alignments"
    assert fitted.C in (0.1, 1.0)


@pytest.mark.parametrize("rule", ["agreement", "squared length", "length"])
def test_what_is_chosen_is_what_is_kept(rule):
    """The SVM of the one dimension is the one of many, cut to it."""
    source, labels, target = domains(angle=0.1)
    many = fit_aligned_svm(source, labels, target, **shared(source, labels), rule=rule)
    assert many.scores[many.dimension] == max(many.scores.values())
    if many.dimension is not None:
        d = many.alignment.source_axes.shape[1]
        assert d == many.dimension
        assert many.probe.weights.shape == (d, CLASSES)
        assert np.asarray(many.alignment.source(source)).shape == (90, d)
    assert right(many, target, labels) > 0.95


def test_the_agreement_is_that_of_scikit_learns_svms():
    source, labels, _ = domains(angle=0.1)
    target = np.concatenate([domains(angle=0.4, seed=1)[2], ellipse(90, [5, 4, 3], seed=2)])
    fitted = fit_aligned_svm(source, labels, target, **shared(source, labels))
    s, t = source - source.mean(axis=0), target - target.mean(axis=0)
    unit = np.sqrt(np.square(s).sum(axis=1).mean())
    length = np.sqrt(np.square(source).sum(axis=1).mean())
    known = {None: (source * unit / length, target * unit / length), 3: (s, t)}
    for d in (2, 1):
        p_s, p_t = (PCA(d).fit(each).components_.T for each in (s, t))
        known[d] = s @ p_s @ p_s.T @ p_t, t @ p_t
    guesses = {
        d: LinearSVC(C=fitted.C, max_iter=10**5).fit(a / unit, labels).predict(b / unit)
        for d, (a, b) in known.items()
    }
    expected = {
        d: np.mean([np.mean(own == other) for other in guesses.values()])
        for d, own in guesses.items()
    }
    assert list(fitted.scores) == [None, 3, 2, 1]
    assert fitted.scores == pytest.approx(expected, abs=0.01)
    assert fitted.dimension == max(expected, key=lambda d: expected[d])
    assert len(set(expected.values())) > 2
    np.testing.assert_array_equal(fitted.predict(target), guesses[fitted.dimension])


def test_a_domain_is_not_aligned_with_itself():
    """The class is in the third axis, of least variance: fewer axes lose it, all change nothing."""
    random = np.random.default_rng(0)
    labels = np.arange(90) % CLASSES
    third = (labels - 1)[:, None] * 0.5 + 0.01 * random.normal(size=(90, 1))
    source = np.concatenate([ellipse(90, [4, 2]), third], axis=1).astype(np.float32)
    fitted = fit_aligned_svm(source, labels, source, **shared(source, labels, (1e2, 1e3)))
    assert fitted.dimension is None
    assert fitted.scores[None] == fitted.scores[3] > max(fitted.scores[1], fitted.scores[2])
    assert right(fitted, source, labels) > 0.95
    np.testing.assert_array_equal(fitted.alignment.target(source), source)


@settings(max_examples=12)
@given(power=st.integers(-60, 60), rule=st.sampled_from(["agreement", "squared length"]))
def test_nothing_depends_on_the_unit(power, rule):
    source, labels, target = domains(angle=0.6)
    unit = np.float32(2.0) ** power
    arguments = shared(source, labels)
    here = fit_aligned_svm(source, labels, target, rule=rule, **arguments)
    there = fit_aligned_svm(source * unit, labels, target * unit, rule=rule, **arguments)
    assert (here.dimension, here.C, here.scores) == (there.dimension, there.C, there.scores)
    assert there.unit == pytest.approx(here.unit * float(unit))
    np.testing.assert_array_equal(here.predict(target), there.predict(target * unit))


def test_the_papers_choice_is_the_best_on_the_source_and_the_smallest_among_equals():
    source, labels, target = domains(angle=0.1)
    fitted = fit_aligned_svm(
        source, labels, target, **shared(source, labels), rule="squared length"
    )
    assert fitted.chosen_by.startswith("source cross-validation up to the stable dimension")
    assert fitted.scores[fitted.dimension] == max(fitted.scores.values())
    assert all(
        score < fitted.scores[fitted.dimension]
        for d, score in fitted.scores.items()
        if d < fitted.dimension
    )


def test_one_program_for_all_dimensions():
    """More dimensions compile nothing; only cutting the chosen one's arrays out may."""
    source, target = ellipse(90, np.linspace(5, 1, 14)), ellipse(40, np.linspace(4, 1, 14), 1)
    labels = np.arange(90) % CLASSES
    arguments = shared(source, labels)
    fit_aligned_svm(source, labels, target, dimensions=[13], **arguments)
    compiled = []

    def listener(event, duration, **_):
        if event == COMPILATION:
            compiled.append(duration)

    jax.monitoring.register_event_duration_secs_listener(listener)
    try:
        fitted = fit_aligned_svm(source, labels, target, dimensions=range(1, 14), **arguments)
    finally:
        jax.monitoring.unregister_event_duration_listener(listener)
    assert len(fitted.scores) == 15
    assert len(compiled) <= 3


def test_the_oracle_says_so_and_is_no_worse():
    source, labels, target = domains(angle=0.8)
    arguments = shared(source, labels)
    blind = fit_aligned_svm(source, labels, target, dimensions=[1, 2], **arguments)
    oracle = fit_aligned_svm_by_oracle(
        source, labels, target, target, labels, dimensions=[1, 2, 3], **arguments
    )
    assert oracle.chosen_by == "oracle: accuracy on the target's test labels"
    assert list(oracle.scores) == [None, 3, 2, 1]
    assert right(oracle, target, labels) == oracle.scores[oracle.dimension]
    assert oracle.scores[oracle.dimension] == max(oracle.scores.values())
    assert right(oracle, target, labels) >= right(blind, target, labels)


@pytest.mark.parametrize("which", ["source", "target", "both"])
def test_constant_features_give_no_nan(which):
    source, labels, target = domains()
    source = np.full_like(source, 3.0) if which != "target" else source
    target = np.full_like(target, 3.0) if which != "source" else target
    fitted = fit_aligned_svm(source, labels, target, **shared(source, labels))
    assert np.isfinite(fitted.probe.weights).all()
    assert np.isfinite(fitted.probe.decision(fitted.alignment.target(target))).all()


def test_fewer_examples_than_features():
    source, target = ellipse(6, np.linspace(9, 1, 20)), ellipse(5, np.linspace(9, 1, 20), 1)
    labels = np.arange(6) % CLASSES
    fitted = fit_aligned_svm(source, labels, target, **shared(source, labels))
    assert list(fitted.scores) == [None, 20, 4]
    assert np.isfinite(fitted.probe.weights).all()


def test_what_cannot_be_fitted():
    source, labels, target = domains()
    arguments = shared(source, labels)
    with pytest.raises(ValueError, match="dimension is 9; expected a whole number from 1 to 3"):
        fit_aligned_svm(source, labels, target, dimensions=[9], **arguments)
    with pytest.raises(ValueError, match="no dimension to try"):
        fit_aligned_svm(source, labels, target, dimensions=[], **arguments)
    with pytest.raises(ValueError, match=r"of the dimensions \[3\] none is from 1 to 2"):
        fit_aligned_svm(source, labels, target, dimensions=[3], rule="squared length", **arguments)
    with pytest.raises(ValueError, match="rule is 'best'; expected one of agreement, squared"):
        fit_aligned_svm(source, labels, target, rule="best", **arguments)
    with pytest.raises(ValueError, match="row 0 of the target's features holds NaN"):
        fit_aligned_svm(source, labels, np.full_like(target, np.nan), **arguments)
    with pytest.raises(ValueError, match=r"features \(90, 3\) and labels \(89,\)"):
        fit_aligned_svm(source, labels[:-1], target, **arguments)
    with pytest.raises(ValueError, match=r"C is \[0\.0\]; expected positive"):
        fit_aligned_svm(source, labels, target, **(arguments | {"penalties": [0.0]}))
    with pytest.raises(ValueError, match=r"test \(90, 3\) with 89 labels; expected \[k, 3\]"):
        fit_aligned_svm_by_oracle(
            source, labels, target, target, labels[:-1], dimensions=[1], **arguments
        )
