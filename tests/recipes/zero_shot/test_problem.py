"""Eight classes of three attributes that their images show, as a caller would bring them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from jtransfer.data import DataError
from jtransfer.data.sources.attributes import ClassTable
from jtransfer.recipes.zero_shot.choice import choose
from jtransfer.recipes.zero_shot.methods import METHODS
from jtransfer.recipes.zero_shot.problem import Problem
from jtransfer.recipes.zero_shot.run_method import run_method
from jtransfer.train.run_folder import RunFolderError
from tests.measure.picture import pixels_of

NAMES = ("fox", "cow", "bear", "seal", "bat", "ox", "rat", "hen")
BINARY = np.array([[n >> k & 1 for k in range(3)] for n in range(8)], np.float32)
TABLE = ClassTable(BINARY, NAMES, ("a", "b", "c"), "animals")
LABELS = np.repeat(np.arange(8), 12)
SEEN, UNSEEN = np.array([0, 1, 2, 4, 6, 7]), np.array([3, 5])
NOISE = np.random.default_rng(0).normal(size=(96, 6)).astype(np.float32) / 10
FEATURES = np.c_[BINARY, 1 - BINARY][LABELS].astype(np.float32) + NOISE


def problem(**changes):
    given = {"features": FEATURES, "labels": LABELS, "tables": [TABLE], **changes}
    return Problem.make(**{"seen": SEEN, "unseen": UNSEEN, "held_out": 4, **given})


def test_nothing_of_an_unseen_class_is_trained_on():
    made = problem()
    assert not np.isin(LABELS[np.r_[made.train, made.held]], UNSEEN).any()
    assert np.bincount(LABELS[made.train])[SEEN].tolist() == [9] * 6
    assert np.intersect1d(made.train, made.held).size == 0


def test_images_of_unseen_classes_have_no_say_in_the_choice():
    dap = replace(METHODS["dap"], settings=METHODS["dap"].settings[:2])
    others = FEATURES.copy()
    others[np.isin(LABELS, UNSEEN)] = 5.0
    assert choose(problem(), dap, folds=2) == choose(problem(features=others), dap, folds=2)


def test_word_vectors_become_zeros_and_ones_for_attribute_classifiers():
    rows = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    words = ClassTable(rows, NAMES, tuple("abcd"), "words")
    values = METHODS["dap"].signatures([words], SEEN)
    np.testing.assert_array_equal(values, rows > rows[SEEN].mean(axis=0))


def test_a_method_on_ones_own_features_is_chosen_judged_and_kept(tmp_path, capsys):
    eszsl = replace(METHODS["eszsl"], settings=({"a": 1.0, "g": 1.0}, {"a": 100.0, "g": 1.0}))
    result = run_method(problem(), eszsl, tmp_path / "run", folds=2, seeds=(0, 1))
    (judged,) = result["measured"]  # a closed form needs no second seed
    # Features show the attributes, so that combinations never seen are told.
    assert judged["accuracy"] == 1.0
    assert judged["confusion"] == [[12, 0], [0, 12]]
    S, U, H = (judged["calibrated"][letter] for letter in "SUH")
    assert pytest.approx(2 * S * U / (S + U) if S + U else 0) == H
    assert result["method"] == "ESZSL"
    assert json.loads((tmp_path / "run" / "result.json").read_text()) == result
    assert pixels_of(tmp_path / "run" / "map.png").shape[2] == 3
    assert run_method(problem(), eszsl, tmp_path / "run", folds=2) == result
    assert "ESZSL: finished before" in capsys.readouterr().out
    changed = replace(TABLE, values=1 - BINARY)
    with pytest.raises(RunFolderError, match=r"another config \(problem: "):
        run_method(problem(tables=[changed]), eszsl, tmp_path / "run", folds=2)


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"tables": []}, DataError, "no table of classes"),
        ({"tables": [TABLE, TABLE.take(NAMES[::-1])]}, DataError, "differ in their classes or"),
        ({"labels": LABELS[1:]}, DataError, r"features \(96, 6\) and labels \(95,\)"),
        ({"labels": LABELS / 1}, DataError, "labels are float64; expected integers"),
        ({"labels": LABELS + 1}, DataError, "labels from 1 to 8 for the 8 classes of animals"),
        (
            {"labels": LABELS % 3},
            DataError,
            "no image of an unseen class; .* Add images of seal, ox",
        ),
        ({"unseen": [3, 8]}, DataError, "seen and unseen classes from 0 to 8; expected rows"),
        ({"unseen": [3, 7]}, ValueError, "hen are both seen and unseen"),
        ({"unseen": []}, ValueError, "6 seen and 0 unseen classes"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changes, error, says):
    with pytest.raises(error, match=says):
        problem(**changes)
