import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import rankdata

from jtransfer.measure.choice import RULE, choose


def values(clustering, agreement, norm):
    return dict(zip(RULE, (clustering, agreement, norm), strict=True))


THREE = {
    "source": values(0.4, 0.6, 0.20),
    "coral": values(0.5, 0.8, 0.19),
    "sa": values(0.3, 0.7, 0.05),
}


def test_the_least_sum_of_ranks_by_hand():
    choice = choose(THREE)
    # coral is 1st, 1st, 2nd; source 2nd, 3rd, 1st; sa 3rd, 2nd, 3rd.
    assert choice.name == "coral"
    assert choice.ranks == {"source": 6, "coral": 4, "sa": 8}
    assert choice.sureness == pytest.approx(5 / 6)
    assert choice.against == ("batch_nuclear_norm",)
    assert not choice.keeps_source
    assert choice.values == THREE
    assert str(choice) == (
        "Take coral: it wins 83% of the comparisons by class_clustering, ensemble_agreement, "
        "batch_nuclear_norm; for the source-only model speaks batch_nuclear_norm."
    )


def test_keeping_the_source_model_is_a_choice():
    choice = choose({**THREE, "coral": values(0.2, 0.5, 0.04)})
    assert choice.keeps_source
    assert choice.name == "source"
    assert choice.against == ()
    assert str(choice).startswith("Keep the source-only model: it wins 83%")


def test_where_all_is_equal_the_source_model_is_kept():
    same = values(0.5, 0.5, 0.5)
    choice = choose({"coral": same, "sa": same, "source": same})
    assert choice.keeps_source
    assert choice.sureness == 0.5
    # Of equal others the first.
    better = values(0.6, 0.6, 0.5)
    assert choose({"source": same, "coral": better, "sa": better}).name == "coral"


def test_alone_there_is_nothing_to_choose():
    choice = choose({"source": values(0.1, 0.1, 0.9)})
    assert choice.keeps_source
    assert choice.sureness == 1


def test_guesses_that_have_nothing_to_do_with_clusters_are_not_believed():
    choice = choose({"source": values(0.01, 0.1, 0.1), "shot": values(0.04, 0.9, 0.9)})
    assert choice.keeps_source
    assert choice.sureness == 0
    assert str(choice) == (
        "Keep the source-only model: the guesses of shot, which was the best, have nothing to do "
        "with what lies together in the target (class clustering 0.04)."
    )


def test_the_source_model_is_kept_where_the_best_is_better_by_half_of_the_criteria_or_less():
    # SHOT is 1st, 2nd and half of 1st and 2nd: 4.5; source only 3rd, 1st and the same: 5.5.
    three = {
        "source": values(0.5, 0.5, 0.2),
        "shot": values(0.6, 0.4, 0.2),
        "coral": values(0.1, 0.3, 0.1),
        "sa": values(0.55, 0.2, 0.1),
    }
    choice = choose(three)
    assert choice.ranks["shot"] < choice.ranks["source"]
    assert choice.keeps_source
    assert "shot is better than it by 1 of 3 criteria only" in str(choice)


def test_best_by_all_criteria():
    choice = choose({"source": values(0.1, 0.1, 0.1), "shot": values(0.2, 0.2, 0.2)})
    assert choice.name == "shot"
    assert choice.sureness == 1
    assert "none speaks for the source-only model" in str(choice)


@given(
    st.lists(st.tuples(*[st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])] * 3), min_size=1, max_size=6)
)
def test_ranks_are_scipys_with_ties(rows):
    names = ["source", "a", "b", "c", "d", "e"][: len(rows)]
    choice = choose({name: values(*row) for name, row in zip(names, rows, strict=True)})
    expected = rankdata(-np.array(rows), axis=0).sum(axis=1)
    assert list(choice.ranks.values()) == pytest.approx(list(expected))
    assert choice.keeps_source if choice.because else expected.min() == choice.ranks[choice.name]


def test_another_rule():
    candidates = {
        "source": {"source_risk": 0.1, "information_maximization": 0.5},
        "dann": {"source_risk": 0.2, "information_maximization": 0.9},
    }
    assert choose(candidates, rule=("information_maximization",)).name == "dann"
    assert choose(candidates, rule=("source_risk",)).keeps_source


@pytest.mark.parametrize(
    ("candidates", "options", "says"),
    [
        ({"sa": values(1, 1, 1)}, {}, "candidates sa, without 'source'; expected the source-only"),
        ({}, {}, "candidates none, without"),
        (THREE, {"rule": ("accuracy",)}, r"rule \['accuracy'\]; expected one or more criteria of"),
        (THREE, {"rule": ()}, "expected one or more criteria"),
        (
            {**THREE, "sa": values(math.nan, 1, 1)},
            {},
            "class_clustering of 'sa' is nan; expected a finite number for every candidate",
        ),
        ({"source": {"source_risk": 1.0}}, {}, "class_clustering of 'source' is nan"),
    ],
)
def test_what_cannot_be_chosen_between(candidates, options, says):
    with pytest.raises(ValueError, match=says):
        choose(candidates, **options)
