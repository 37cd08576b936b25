import numpy as np
import pytest

from jtransfer.transfer.finetuning.regimes import Phase, freezing, plan

LAYERS = ("trunk/conv1", "trunk/conv2", "head")


def factors(regime, **options):
    return [tuple(phase.factors[layer] for layer in LAYERS) for phase in phases(regime, **options)]


def phases(regime, steps=8, **options):
    return plan(regime, LAYERS, steps=steps, **options)


def test_the_factors_of_every_regime():
    for regime in ("scratch", "full", "lp_ft"):
        assert factors(regime) == [(1, 1, 1)]
    assert factors("frozen") == [(0, 0, 1)]
    assert factors("slow_trunk", slow=0.3) == [(0.3, 0.3, 1)]
    np.testing.assert_allclose(factors("layerwise"), [(1 / 6.76, 1 / 2.6, 1)])
    assert factors("gradual") == [(0, 0, 1), (0, 1, 1), (1, 1, 1)]


def test_gradual_unfreezes_in_the_first_half():
    assert [(phase.start, phase.end) for phase in phases("gradual")] == [(0, 2), (2, 4), (4, 8)]
    ends = [phase.end for phase in phases("gradual", steps=100, thaw=0.2)]
    assert ends == [10, 20, 100]
    assert phases("gradual")[1].frozen_stages == ("conv1",)
    assert plan("gradual", ("head",), steps=3) == (Phase(0, 3, {"head": 1.0}),)


def test_names_and_numbers_of_steps_that_do_not_fit():
    with pytest.raises(ValueError, match="no regime 'thaw'; expected one of scratch, frozen"):
        plan("thaw", LAYERS, steps=8)
    with pytest.raises(ValueError, match=r"2 steps .* unfreezing 3 layers"):
        phases("gradual", steps=2)


def test_some_layers_frozen_by_name():
    (phase,) = freezing(LAYERS, ("trunk/conv2", "head"), steps=4)
    assert (phase.start, phase.end) == (0, 4)
    assert phase.factors == {"trunk/conv1": 1, "trunk/conv2": 0, "head": 0}
    assert phase.frozen_stages == ("conv2",)
