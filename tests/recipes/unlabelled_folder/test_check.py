import json

import numpy as np
import pytest

from jtransfer.data.examples import DataError
from jtransfer.measure.intervals import wilson
from jtransfer.recipes.own_folder.model_folder import save_model
from jtransfer.recipes.unlabelled_folder.check import check
from jtransfer.recipes.unlabelled_folder.target_table import Guessed, drawn_sample, tables
from tests.recipes.own_folder.conftest import model, toy_trunk

__all__ = ["model", "toy_trunk"]  # fixtures

CLASSES = ("Füchse", "wolf")
TRUE = np.array([0, 0, 0, 0, 1, 1, 1, 1])
GUESSES = np.array([0, 0, 0, 1, 1, 1, 1, 0])  # wrong on 3 and 7
OF_SOURCE = np.array([1, 0, 0, 0, 1, 1, 1, 0])  # wrong on 0 and 7
SAMPLE = np.array([7, 0, 4, 3, 1])


@pytest.fixture
def folder(model, tmp_path):
    sure = np.linspace(0.55, 0.95, 8)
    probabilities = np.where(GUESSES[:, None] == np.arange(2), sure[:, None], 1 - sure[:, None])
    guessed = Guessed(
        tuple(f"{n}, a.png" for n in range(8)), CLASSES, probabilities, OF_SOURCE, 0.7, SAMPLE
    )
    return save_model(model, tmp_path / "model", tables=tables(guessed))


@pytest.fixture
def filled(tmp_path):
    def write(answers, delimiter=","):
        lines = [delimiter.join(("file", "true class"))]
        lines += [f'"{n}, a.png"{delimiter}{answer}' for n, answer in answers.items()]
        (tmp_path / "labels.csv").write_text("\n".join(lines), encoding="utf-8-sig")
        return tmp_path / "labels.csv"

    return write


def answers_of(*rows):
    return {row: CLASSES[TRUE[row]] for row in rows}


def test_the_sample_counts_as_far_as_it_has_no_gap_and_others_do_not(folder, filled):
    said = check(folder, filled(answers_of(0, 1, 2, 4, 7)))
    # Answered of the sample 7, 0, 4, (3), 1: the first three, of which 7 is wrong.
    assert said.accuracy == wilson(2 / 3, 3)
    assert said.source_accuracy == wilson(1 / 3, 3)
    assert (said.sampled, said.images, said.better, said.worse) == (3, 8, 1, 0)
    assert (said.others, said.others_right) == (2, 2)
    assert [(each.file, each.guess, each.true) for each in said.mistakes] == [
        ("7, a.png", "Füchse", "wolf")
    ]


def test_answers_are_forgiving_in_form_alone(folder, filled):
    said = check(folder, filled({7: " WOLF ", 0: "none"}, delimiter=";"))
    assert (said.accuracy.value, said.sampled) == (0, 2)
    assert [each.true for each in said.mistakes] == ["wolf", "none"]


def test_the_model_may_be_named_by_its_own_tables(folder):
    table = folder / "check.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0], *(f"{line}wolf" for line in lines[1:3])]))
    assert check(folder, table).sampled == 2


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (answers_of(0, 1), "no true class for 7, a.png, the first image of the random sample"),
        ({7: "dog"}, "the true class 'dog'; expected one of Füchse, wolf, or none"),
        ({9: "wolf"}, "names 9, a.png, which is no image of the target"),
    ],
)
def test_what_cannot_be_used_is_said(folder, filled, answers, message):
    with pytest.raises(DataError, match=message):
        check(folder, filled(answers))


def test_a_model_of_fit_has_nothing_to_check(model, filled, tmp_path):
    place = save_model(model, tmp_path / "fitted")
    assert json.loads((place / "model.json").read_text())["classes"] == list(CLASSES)
    with pytest.raises(DataError, match="that `jtransfer adapt` made"):
        check(place, filled(answers_of(7)))


def test_the_first_k_of_the_sample_are_unbiased_and_the_least_sure_are_not():
    random = np.random.default_rng(0)
    sure = np.sort(random.uniform(0.5, 1, 400))
    right = random.uniform(size=400) < sure  # sure guesses are right more often
    estimates = [right[drawn_sample(400, 100, seed=seed)[:40]].mean() for seed in range(400)]
    deviation = np.std(estimates) / np.sqrt(400)
    assert abs(np.mean(estimates) - right.mean()) < 3 * deviation
    assert right[:40].mean() < right.mean() - 0.1
    covered = [wilson(each, 40) for each in estimates]
    inside = np.mean([each.low <= right.mean() <= each.high for each in covered])
    assert inside > 0.93
