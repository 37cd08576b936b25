import pytest

from experiments.no_harm.__main__ import asked
from experiments.no_harm.config import Config
from experiments.no_harm.pairs import DOMAINS, PAIRS
from jtransfer.recipes.adaptation.development import DEVELOPMENT


def test_pairs_are_of_domains_that_are_there_each_once():
    assert len(set(PAIRS)) == len(PAIRS)
    assert {name for pair in PAIRS for name in pair} == DOMAINS.keys()
    assert len(set(PAIRS) - set(DEVELOPMENT)) >= 24
    assert set(DEVELOPMENT) <= set(PAIRS)


def test_a_target_can_be_judged_on_images_that_nothing_was_adapted_to():
    for _, target in PAIRS:
        assert DOMAINS[target].is_folder or DOMAINS[target].test is not None


def test_pairs_of_a_call():
    assert asked(Config()) == PAIRS
    assert asked(Config(development=True)) == DEVELOPMENT
    assert asked(Config(pairs=("photo:sketch",))) == (("photo", "sketch"),)
    with pytest.raises(ValueError, match="pair 'photo:dogs'; expected source:target, two of"):
        asked(Config(pairs=("photo:dogs",)))
