"""Which pairs a call asks for, and what its tables say of results by hand."""

import pytest

from experiments.adapt_trunk.__main__ import asked
from experiments.adapt_trunk.config import BEST, PACS_DEVELOPMENT, PAIRS, TRIED, Config
from experiments.adapt_trunk.table import adaptation_on_trunk, console, gap, headlines
from jtransfer.recipes.adaptation.development import DEVELOPMENT, TRAINED_BY
from jtransfer.recipes.adaptation.methods import METHODS


def cell(pair, method, accuracy):
    return {
        "pair": list(pair),
        "method": method,
        "seed": 0,
        "target_accuracy": accuracy,
        "target_mean_per_class_accuracy": accuracy + 0.01,
        "net": "toy",
        "size": 8,
        "steps": 2,
        "batch": 4,
        "seconds": 30.0,
        "options": {"learning_rate": 0.01, "trunk": {"frozen": ["stem", "block1"], "rate": 0.1}},
        "made_by": {"device": "1 x toy", "versions": {"jax": "1", "flax": "2"}},
    }


RESULTS = [
    cell(("photo", "art_painting"), "source", 0.5),
    cell(("photo", "art_painting"), "dann", 0.6),
    cell(("photo", "art_painting"), BEST[0], 0.7),
    cell(("photo", "sketch"), "source", 0.3),
    cell(("photo", "sketch"), BEST[0], 0.45),
    cell(("photo", "sketch"), "target", 0.8),
    cell(("sketch", "photo"), "source", 0.4),
]


def test_what_was_decided_on_the_development_pairs_runs_on_others():
    assert set(PACS_DEVELOPMENT) < set(DEVELOPMENT)
    assert not set(PAIRS) & set(DEVELOPMENT)
    assert set(BEST) < set(TRIED) < set(METHODS)
    assert BEST[0] == TRAINED_BY
    assert asked(Config()) == PAIRS
    assert asked(Config(development=True)) == PACS_DEVELOPMENT
    assert asked(Config(pairs=("photo:sketch",))) == (("photo", "sketch"),)
    with pytest.raises(ValueError, match="pair 'photo:dogs'; expected source:target, two of"):
        asked(Config(pairs=("photo:dogs",)))


def test_tables_by_hand():
    assert gap(RESULTS, ("photo", "sketch")) == "30%"  # .15 of .50
    assert gap(RESULTS, ("sketch", "photo")) == "–"
    page = adaptation_on_trunk(RESULTS)
    best = METHODS[BEST[0]].title
    development, four = page.split("The best three")
    rows = [line.split(" | ")[0] for line in development.splitlines() if line.startswith("| ")]
    assert rows[2:] == [f"| {best}", "| DANN", "| source only"]
    assert "| photo → sketch | 0.300 | 0.450 | – | – | – | 0.800 | 30% |" in four
    assert "| sketch → photo | 0.400 | – | – | – | – | – | – |" in four
    assert "7 runs, 4 minutes" in page
    assert adaptation_on_trunk([]) == ""
    assert "sketch → photo" in console(RESULTS)


def test_the_headline_is_of_the_pairs_that_are_whole():
    (row,) = headlines(RESULTS)
    assert "mean of 1 pairs" in row.task
    assert row.measured.startswith("source only 0.300; ")
    assert headlines(RESULTS[:4]) == []
