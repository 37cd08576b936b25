import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from jtransfer.measure.choice import AGREED, CLUSTERED, RULE, choose


def values(clustering, consensus):
    return dict(zip(RULE, (clustering, consensus), strict=True))


FOUR = {
    "source": values(0.4, 0.85),
    "coral": values(0.5, 0.9),
    "sa": values(0.8, 0.6),
    "ensemble": values(0.45, 1.0),
}


def test_the_best_clustered_of_those_that_guess_as_all_do_together():
    choice = choose(FOUR)
    assert choice.name == "coral"  # SA clusters better and leaves the others
    assert choice.agreed == ("coral", "ensemble", "source")
    assert choice.ordered() == ("coral", "ensemble", "source", "sa")
    assert choice.sureness == 0.9
    assert not choice.keeps_source
    assert choice.values == FOUR
    assert str(choice) == (
        "Take coral: its guesses are the best clusters of the target (class clustering 0.50) among "
        "candidates that guess as all do together on 80% of it or more; it does on 90%."
    )


def test_keeping_the_source_model_is_a_choice():
    choice = choose({**FOUR, "coral": values(0.9, 0.79), "ensemble": values(0.3, 1.0)})
    assert choice.keeps_source
    assert choice.name == "source"
    assert str(choice).startswith("Keep the source-only model: its guesses are the best clusters")


def test_where_all_is_equal_the_source_model_is_kept():
    same = values(0.5, 1.0)
    assert choose({"coral": same, "sa": same, "source": same}).keeps_source
    # Of equal others the first.
    better = values(0.6, 1.0)
    assert choose({"source": same, "coral": better, "sa": better}).name == "coral"


def test_alone_there_is_nothing_to_choose():
    assert choose({"source": values(0.1, 1.0)}).keeps_source


def test_what_all_guess_of_noise_is_not_believed():
    # SHOT followed clusters that noise has too.
    choice = choose(
        {"source": values(0.01, 0.7), "shot": values(0.08, 0.85), "ensemble": values(0.04, 1.0)}
    )
    assert choice.keeps_source
    assert str(choice) == (
        "Keep the source-only model: what ensemble guesses, which all together come nearest to, "
        "has nothing to do with what lies together in the target (class clustering 0.04)."
    )


def test_candidates_of_which_none_agrees_with_all_are_not_chosen_between():
    choice = choose({"source": values(0.2, 0.5), "shot": values(0.9, 0.6)})
    assert choice.keeps_source
    assert choice.agreed == ()
    assert choice.ordered() == ("shot", "source")
    assert "no candidate guesses as all do together on 80% of the target" in str(choice)


SHARE = st.floats(0, 1)


@given(st.lists(st.tuples(SHARE, SHARE), min_size=1, max_size=6))
def test_what_is_taken_agrees_and_clusters_no_worse_than_others_that_agree(rows):
    names = ["source", "a", "b", "c", "d", "e"][: len(rows)]
    candidates = {name: values(*row) for name, row in zip(names, rows, strict=True)}
    choice = choose(candidates)
    assert set(choice.ordered()) == set(names)
    assert list(choice.agreed) == [each for each in choice.ordered() if each in choice.agreed]
    if not choice.keeps_source:
        taken = candidates[choice.name]
        assert taken["consensus"] >= AGREED
        best = max(candidates[name]["class_clustering"] for name in choice.agreed)
        assert taken["class_clustering"] == best
        assert max(row[0] for row in rows if row[1] == max(c for _, c in rows)) >= CLUSTERED


@pytest.mark.parametrize(
    ("candidates", "says"),
    [
        ({"sa": values(1, 1)}, "candidates sa, without 'source'; expected the source-only"),
        ({}, "candidates none, without"),
        (
            {**FOUR, "sa": values(math.nan, 1)},
            "class_clustering of 'sa' is nan; expected a finite number for every candidate",
        ),
        ({"source": {"class_clustering": 1.0}}, "consensus of 'source' is nan"),
        ({"source": values(1.0, np.inf)}, "consensus of 'source' is inf"),
    ],
)
def test_what_cannot_be_chosen_between(candidates, says):
    with pytest.raises(ValueError, match=says):
        choose(candidates)
