import numpy as np
import pytest

from jtransfer.recipes.finetuning.layers import run
from jtransfer.recipes.finetuning.layers.bases import learner_of, train_bases
from jtransfer.recipes.finetuning.layers.options import Conduct, Options
from jtransfer.transfer.finetuning.layers import copy_layers, first_layers
from tests.recipes.finetuning.toy_stripes import PROBLEM, tiny_net


@pytest.mark.parametrize("kind", ["BnB", "AnB+"])
def test_the_named_nets_layers_are_copied_and_the_frozen_ones_kept(tmp_path, monkeypatch, kind):
    options, conduct = Options(tiny_net, steps=3, batch=8), Conduct(out=tmp_path)
    net = tiny_net(classes=2)
    everything = learner_of(PROBLEM, options, conduct, ())
    split = train_bases(PROBLEM, options, conduct, everything, 0)
    base = split.bases[kind[0]]["params"]["trunk"]
    assert not np.array_equal(
        *(split.bases[name]["params"]["trunk"]["conv1"]["conv"]["kernel"] for name in "AB")
    )
    starts, ends = [], []

    def spied(fresh, donor, layers):
        starts.append(copy_layers(fresh, donor, layers))
        return starts[-1]

    class Spy:
        def __init__(self, learner):
            self.learner = learner
            self.accuracy = learner.accuracy

        def train(self, *arguments, **options):
            ends.append(self.learner.train(*arguments, **options))
            return ends[-1]

    monkeypatch.setattr(run, "copy_layers", spied)
    frozen = () if kind.endswith("+") else first_layers(net, 1)
    learner = Spy(learner_of(PROBLEM, options, conduct, frozen))
    run.run_copies(PROBLEM, options, conduct, learner, [split], kind, 1)
    start, end = starts[0]["params"]["trunk"], ends[0].params["trunk"]
    for stage, copied in (("conv1", True), ("conv2", False)):
        kernel = start[stage]["conv"]["kernel"]
        assert np.array_equal(kernel, base[stage]["conv"]["kernel"]) == copied
        stays = kind == "BnB" and copied
        assert np.array_equal(kernel, end[stage]["conv"]["kernel"]) == stays
