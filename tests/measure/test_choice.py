import math

import pytest
from hypothesis import given, strategies as st
from scipy.stats import rankdata

from jtransfer.measure.choice import RULE, choose


def values(clustering, agreement, risk):
    return dict(zip(RULE, (clustering, agreement, risk), strict=True))


THREE = {
    "source": values(0.4, 0.6, 0.05),
    "coral": values(0.5, 0.8, 0.06),
    "sa": values(0.3, 0.7, 0.20),
}


def test_the_least_sum_of_ranks_by_hand():
    choice = choose(THREE)
    # coral is 1st, 1st, 2nd; source 2nd, 3rd, 1st; sa 3rd, 2nd, 3rd.
    assert choice.name == "coral"
    assert choice.ranks == {"source": 6, "coral": 4, "sa": 8}
    assert choice.sureness == pytest.approx(5 / 6)
    assert choice.against == ("source_risk",)
    assert not choice.keeps_source
    assert choice.values == THREE
    assert str(choice) == (
        "Take coral: it wins 83% of the comparisons by class_clustering, ensemble_agreement, "
        "source_risk; for the source-only model speaks source_risk."
    )


def test_keeping_the_source_model_is_a_choice():
    choice = choose({**THREE, "coral": values(0.2, 0.5, 0.3)})
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
    better = values(0.6, 0.5, 0.5)
    assert choose({"source": same, "coral": better, "sa": better}).name == "coral"


def test_alone_there_is_nothing_to_choose():
    choice = choose({"source": values(0.1, 0.1, 0.9)})
    assert choice.keeps_source
    assert choice.sureness == 1


def test_best_by_all_criteria():
    choice = choose({"source": values(0.1, 0.1, 0.9), "shot": values(0.2, 0.2, 0.8)})
    assert choice.name == "shot"
    assert choice.sureness == 1
    assert "none speaks for the source-only model" in str(choice)


@given(
    st.lists(st.tuples(*[st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])] * 3), min_size=1, max_size=6)
)
def test_ranks_are_scipys_with_ties(rows):
    names = ["source", "a", "b", "c", "d", "e"][: len(rows)]
    choice = choose({name: values(*row) for name, row in zip(names, rows, strict=True)})
    signed = [(-a, -b, c) for a, b, c in rows]
    expected = rankdata(signed, axis=0).sum(axis=1)
    assert list(choice.ranks.values()) == pytest.approx(list(expected))
    assert choice.ranks[choice.name] == min(choice.ranks.values())


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
