import warnings

import jax
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from jtransfer.transfer.features import blockwise_fit, weight_path
from jtransfer.transfer.features.blockwise_fit import BlockwiseFit, linear_models
from jtransfer.transfer.features.linear_fit import ConvergenceWarning, LinearFit
from jtransfer.transfer.features.multilabel_probe import fit_multilabel_svm
from jtransfer.transfer.features.probe import cross_validate, fit_softmax, fit_svm
from jtransfer.transfer.features.weight_path import Problems

CLASSES, DIMS, COUNT = 3, 8, 501  # 501: the last of the blocks is not full
CS = np.array([0.1, 3.0, 100.0])


@pytest.fixture(scope="module")
def clouds():
    random = np.random.default_rng(0)
    labels = np.arange(COUNT) % CLASSES
    features = random.normal(size=(COUNT, DIMS)) * np.linspace(2, 0.1, DIMS)
    features += 1.5 * np.eye(CLASSES, DIMS)[labels] + 1
    return features.astype(np.float32), labels


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(blockwise_fit, "_MANY", 400)
    monkeypatch.setattr(blockwise_fit, "_ROWS", (64, 128))


@pytest.fixture(scope="module")
def trained():
    folds = np.arange(COUNT) * 7 % 5 // 2  # of 0, 1 and 2: two larger ones, and a smaller
    return (folds[:, None] != np.arange(3)).astype(np.float32)


def targets(labels):
    return np.eye(CLASSES)[labels]


@pytest.mark.parametrize("kind", ["svm", "softmax"])
def test_it_is_what_the_gram_matrix_gives(clouds, trained, kind):
    features, labels = clouds
    few, many = (fit(features, targets(labels), kind) for fit in (LinearFit, BlockwiseFit))
    expected = few.folds(trained, CS, tolerance=1e-6, most=500)
    found = many.folds(trained, CS, tolerance=1e-5, most=500)
    assert found.predictions.shape == expected.predictions.shape == (3, COUNT, 3)
    assert (found.predictions == expected.predictions).mean() >= 0.998
    assert found.excess.shape == (3, 3)
    assert (found.excess <= 1e-5).all()
    assert (found.iterations > 0).all()
    scores = many.fold_scores(trained, CS, tolerance=1e-5, most=500)
    np.testing.assert_array_equal(scores.argmax(axis=3), found.predictions)
    one, other = (fit.one(trained[:, :1], 3.0, tolerance=1e-6, most=500) for fit in (few, many))
    np.testing.assert_allclose(other.weights, one.weights, atol=5e-3)
    np.testing.assert_allclose(other.bias, one.bias, atol=5e-3)
    assert float(other.excess) <= 1e-5


@pytest.mark.parametrize(("kind", "at_once", "parts"), [("svm", 4, 3), ("softmax", 3, 3)])
def test_problems_that_find_no_room_together_are_solved_in_parts(
    clouds, trained, kind, at_once, parts, monkeypatch
):
    features, labels = clouds
    fit = BlockwiseFit(features, targets(labels), kind)
    whole = fit.fold_scores(trained, CS, tolerance=1e-6, most=500)
    asked, problems = [], weight_path._descend
    monkeypatch.setattr(weight_path, "_KEPT", 512 * at_once)
    monkeypatch.setattr(
        weight_path,
        "_descend",
        lambda *each: asked.append(each[4].shape[1:]) or problems(*each),
    )
    # 9 SVMs in 3 parts of 3, or 3 folds of the softmax's 3 outputs alone, at every C.
    found = fit.fold_scores(trained, CS, tolerance=1e-6, most=500)
    assert asked == [(3, 1) if kind == "svm" else (1, 3)] * parts * len(CS)
    np.testing.assert_allclose(found, whole, atol=5e-3)


@pytest.mark.parametrize(
    ("examples", "groups", "outputs", "size"),
    [(100, 9, 1, 9), (2**24, 9, 1, 1), (2**22, 9, 1, 3), (2**22, 10, 1, 4), (2**23, 5, 100, 1)],
)
def test_how_many_problems_go_together(examples, groups, outputs, size):
    assert weight_path.together(examples, groups, outputs) == size


@pytest.mark.parametrize("scale", [1e-4, 255.0])
def test_a_softmax_is_scikit_learns_whatever_the_scale(clouds, scale):
    features, labels = clouds
    given = np.c_[features * scale, np.full(COUNT, 7.0)]  # a constant column changes nothing
    probe = fit_softmax(given, labels, 3.0 / scale**2, classes=CLASSES)
    theirs = LogisticRegression(C=3.0, tol=1e-9, max_iter=10_000).fit(features, labels)
    np.testing.assert_allclose(probe.weights[:-1].T * scale, theirs.coef_, atol=5e-3)
    np.testing.assert_array_equal(probe.weights[-1], 0)
    assert float(probe.excess) <= 1e-5


@pytest.mark.parametrize("far", [0.0, 100.0])
def test_an_svms_objective_is_liblinears(clouds, far):
    features, labels = clouds
    given, C = np.c_[features + far, np.ones(COUNT)].astype(np.float64), 0.5
    probe = fit_svm(features + far, labels, C, classes=CLASSES)
    signs = 2 * targets(labels) - 1
    found = np.vstack([probe.weights, probe.bias]).astype(np.float64)
    for output in range(CLASSES):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = LinearSVC(C=C, fit_intercept=False, dual=False, tol=1e-10, max_iter=10_000)
            theirs.fit(given, signs[:, output])
        ours, best = (
            w @ w / 2 + C * (np.maximum(0, 1 - signs[:, output] * (given @ w)) ** 2).sum()
            for w in (found[:, output], theirs.coef_[0])
        )
        assert ours <= best * (1 + 2e-5)


def test_every_class_judges_its_own_images(clouds):
    features, labels = clouds
    signs = (2 * targets(labels) - 1).astype(int)
    hidden = signs.copy()
    hidden[::4, 0] = 0
    found = fit_multilabel_svm(features, hidden, 1.0)
    part = np.arange(COUNT) % 4 != 0
    alone = fit_multilabel_svm(features[part], signs[part], 1.0)
    whole = fit_multilabel_svm(features, signs, 1.0)
    np.testing.assert_allclose(found.weights[:, 0], alone.weights[:, 0], atol=2e-3)
    np.testing.assert_allclose(found.weights[:, 1], whole.weights[:, 1], atol=2e-3)


def test_over_eight_devices_it_is_one_devices(clouds, trained, monkeypatch):
    features, labels = clouds
    over = BlockwiseFit(features, targets(labels), "softmax")
    blocks = over._blocks(trained, Problems.of("softmax", 3, 3))
    assert len({next(iter(block.features.devices())) for block in blocks}) > 1
    found = over.folds(trained, CS, tolerance=1e-5, most=500)
    monkeypatch.setattr(jax, "local_devices", lambda: jax.devices()[:1])
    alone = BlockwiseFit(features, targets(labels), "softmax").folds(
        trained, CS, tolerance=1e-5, most=500
    )
    np.testing.assert_array_equal(found.predictions, alone.predictions)
    np.testing.assert_allclose(found.excess, alone.excess, atol=1e-6)


def test_features_stay_in_their_file(clouds, tmp_path):
    features, labels = clouds
    np.save(tmp_path / "features.npy", features)
    mapped = np.load(tmp_path / "features.npy", mmap_mode="r")
    found = fit_softmax(mapped, labels, 1.0, classes=CLASSES)
    np.testing.assert_array_equal(
        found.weights, fit_softmax(features, labels, 1.0, classes=CLASSES).weights
    )


def test_a_softmax_begins_where_the_last_two_lead(clouds):
    features, labels = clouds
    softmax, svm = (BlockwiseFit(features, targets(labels), kind) for kind in ("softmax", "svm"))
    # From C = 1 to 4 and on to 16 is as far again, from 16 to 32 half as far; from 4 to 4 nowhere.
    np.testing.assert_allclose(softmax._shares_of_moves(np.array([1, 4, 16, 32])), [0, 1, 0.5, 0])
    np.testing.assert_array_equal(softmax._shares_of_moves(np.array([4.0, 4.0, 8.0])), 0)
    np.testing.assert_array_equal(softmax._shares_of_moves(np.array([2.0])), 0)
    np.testing.assert_array_equal(svm._shares_of_moves(np.array([1, 4, 16, 64])), 0)


def test_which_way_suits_which_number(clouds):
    features, labels = clouds
    assert isinstance(linear_models(features, targets(labels), "svm"), BlockwiseFit)
    assert isinstance(linear_models(features[:400], targets(labels)[:400], "svm"), LinearFit)
    wide = np.zeros((COUNT, COUNT), np.float32)
    assert isinstance(linear_models(wide, targets(labels), "svm"), LinearFit)


def test_what_takes_too_much_memory_is_refused(clouds, monkeypatch):
    features, labels = clouds
    monkeypatch.setenv("JTRANSFER_MEMORY", "1e-6")
    with pytest.raises(ValueError, match=r"501 examples of 8 features with 3 scores each would"):
        fit_softmax(features, labels, 1.0, classes=CLASSES)


def test_where_it_stops_short_it_says_so(clouds):
    features, labels = clouds
    with pytest.warns(ConvergenceWarning, match=r"the softmax at C = 100 stopped up to"):
        fit_softmax(features, labels, 100.0, classes=CLASSES, most=1)
    part = np.arange(COUNT)
    with pytest.warns(ConvergenceWarning, match=r"1 of the 1 svm fits on folds, those at C = 100"):
        cross_validate(
            features, labels, [100.0], [(part, part)], kind="svm", classes=CLASSES, most=1
        )
