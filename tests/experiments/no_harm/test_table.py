import pytest

from experiments.no_harm.table import (
    always,
    balance,
    by_ranks,
    draw,
    headlines,
    no_harm,
    oracle,
    taken_by,
    ways,
)
from jtransfer.measure.selection import CRITERIA


def cell(pair, seed, source, coral, chosen, prefers="coral"):
    """A run of two candidates, of which every criterion prefers one."""
    better, worse = ({name: value for name in CRITERIA} for value in (1.0, 0.5))
    for name, direction in CRITERIA.items():
        if direction == "lower":
            better[name], worse[name] = 0.5, 1.0
    criteria = {name: better if name == prefers else worse for name in ("source", "coral")}
    return {
        "pair": list(pair),
        "seed": seed,
        "net": "toy",
        "layer": "last",
        "photographs": 8,
        "small": 4,
        "most": {"source": 1000, "target": 800, "test": 2000},
        "accuracy": {"source": source, "coral": coral},
        "criteria": criteria,
        "chosen": chosen,
        "sureness": 0.9,
        "seconds": 60.0,
        "made_by": {"device": "1 x toy", "versions": {"jax": "1", "flax": "2"}},
    }


OTHERS = [
    # A pair where the choice is 2 points better, then 1: a point and a half.
    cell(("photo", "sketch"), 0, 0.50, 0.52, "coral"),
    cell(("photo", "sketch"), 1, 0.50, 0.51, "coral"),
    # One where it is 4 points worse in one run and as good as source only in the other.
    cell(("svhn", "mnist"), 0, 0.70, 0.66, "coral"),
    cell(("svhn", "mnist"), 1, 0.70, 0.66, "source", prefers="source"),
]
DEVELOPMENT = [cell(("mnist", "usps"), 0, 0.60, 0.90, "coral")]


def test_the_balance_of_the_choice_by_hand():
    of = balance(OTHERS, lambda run: run["accuracy"][run["chosen"]])
    assert (of.pairs, of.harmed, of.cells, of.cells_harmed) == (2, 1, 4, 1)
    assert of.worst == pytest.approx(-0.02)
    assert of.gain == pytest.approx((0.015 - 0.02) / 2)
    # The best candidate is CORAL, CORAL, source only, source only.
    assert of.regret == pytest.approx((0 + 0.02) / 2)


def test_ways_that_are_compared_with_it():
    assert balance(OTHERS, always("source")).harmed == 0
    assert balance(OTHERS, always("coral")).worst == pytest.approx(-0.04)
    assert balance(OTHERS, oracle).regret == 0
    assert taken_by("information_maximization")(OTHERS[0]) == 0.52
    assert taken_by("source_risk")(OTHERS[3]) == 0.70
    assert list(ways(OTHERS))[-3:] == ["always source only", "always CORAL", "oracle"]


def test_exactly_a_point_is_no_harm():
    runs = [cell(("photo", "sketch"), 0, 0.75, 0.74, "coral")]
    assert balance(runs, always("coral")).harmed == 0


def test_the_page_keeps_development_pairs_apart(tmp_path):
    text = no_harm([*DEVELOPMENT, *OTHERS])
    assert "| **the choice** | 1 of 2 | -2.0 | -0.2 | 1.0 | 1 of 4 |" in text
    assert "| **the choice** | 0 of 1 | +30.0 | +30.0 | 0.0 | 0 of 1 |" in text
    assert "| mnist → usps (development) | 0 | 0.600 | 0.900 | 0.900 | 0.900 | 0.90 |" in text
    assert "| photo → sketch | 0, 1 | 0.500 ± 0.000 | 0.515 ± 0.007 |" in text
    # Digits: source only .7 and .6, CORAL and the choice .66 (once source only's .7) and .9.
    assert "| mean of 2 pairs |  | 0.650 | 0.780 | 0.790 | 0.800 |  |" in text
    assert "no pair harmed, missed; a mean regret of 2.0 points at most, reached" in text
    # Three runs took CORAL, at +2, +1 and -4 points.
    assert "| 0.85 to 0.95 | 3 | 1 | -0.3 |" in text
    assert "5 runs, 5 minutes" in text
    draw([*DEVELOPMENT, *OTHERS], [], tmp_path)
    assert (tmp_path / "no_harm.png").read_bytes().startswith(b"\x89PNG")
    (line,) = headlines([*DEVELOPMENT, *OTHERS])
    assert line.measured == "1 of 2; -0.2; 1.0"


def test_the_choice_that_was_there_before_is_told_beside_it():
    before = [cell(("photo", "sketch"), 0, 0.50, 0.52, "source")]
    text = no_harm([*DEVELOPMENT, *OTHERS], before)
    assert "| the choice before | 0 of 1 | +0.0 | +0.0 | 2.0 | 0 of 1 |" in text
    assert text.count("| the choice before |") == 1  # it has no development pair
    assert "decided anew, on the development pairs alone" in text


def test_the_least_sum_of_ranks_by_hand():
    names = ("class_clustering", "ensemble_agreement", "batch_nuclear_norm")
    rows = {"source": (0.4, 0.6, 0.2), "coral": (0.5, 0.8, 0.19), "sa": (0.3, 0.7, 0.05)}
    criteria = {name: dict(zip(names, row, strict=True)) for name, row in rows.items()}
    # CORAL is 1st, 1st, 2nd; source only 2nd, 3rd, 1st; SA 3rd, 2nd, 3rd.
    assert by_ranks({"criteria": criteria}) == "coral"
    criteria["coral"] = dict.fromkeys(names, 0.0)
    assert by_ranks({"criteria": criteria}) == "source"


def test_without_results_there_is_nothing(tmp_path):
    assert no_harm([]) == ""
    assert headlines(DEVELOPMENT) == []
    draw(DEVELOPMENT, [], tmp_path)
    assert not list(tmp_path.iterdir())
