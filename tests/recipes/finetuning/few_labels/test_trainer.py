from functools import partial

import jax
import numpy as np
import pytest

from jtransfer.recipes.finetuning.few_labels.carried import carry, fresh_variables
from jtransfer.recipes.finetuning.few_labels.options import Conduct
from jtransfer.recipes.finetuning.few_labels.trainer import Trainer
from jtransfer.recipes.finetuning.tuning import Tuning
from jtransfer.transfer.finetuning.regimes import REGIMES
from tests.recipes.finetuning.toy_domains import OPTIONS, PROBLEM

TUNINGS = {regime: Tuning(regime) for regime in REGIMES}
TUNINGS |= {"frozen_deep": Tuning("frozen", hidden=(9,), dropout=0.5)}
TUNINGS |= {"l2_sp": Tuning("full", penalty=(0.1, 0.01))}


@pytest.fixture(scope="module")
def carried(tmp_path_factory):
    conduct = Conduct(out=tmp_path_factory.mktemp("runs"), source_steps=30)
    return carry(PROBLEM, OPTIONS, conduct)


@pytest.mark.parametrize("name", TUNINGS)
def test_every_tuning_trains_from_the_right_start(carried, name):
    """With a rate of almost nothing the nets stay where they start."""
    trainer = Trainer.build(carried, TUNINGS[name], OPTIONS, steps=4)
    positions = PROBLEM.labelled(5, 0)
    state = trainer.train(positions, 1e-12, seed=3)
    assert 0 <= trainer.test(state) <= 1
    assert 0 <= trainer.validate(state, positions) <= 1
    regime = TUNINGS[name].regime
    if regime == "frozen":
        assert set(state.params) == {"head"}
        return
    fresh = fresh_variables(trainer.net, PROBLEM, seed=3)["params"]
    expected = fresh if regime == "scratch" else carried.variables["params"]
    close = partial(np.testing.assert_allclose, atol=1e-6)
    jax.tree.map(close, state.params["trunk"], expected["trunk"])
    if regime != "lp_ft":
        jax.tree.map(close, state.params["head"], fresh["head"])
    else:
        assert not np.allclose(state.params["head"]["out"]["bias"], 0)
