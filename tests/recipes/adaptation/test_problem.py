"""Two sets of examples as a problem, and what its runs depend on."""

from functools import partial

import numpy as np
import pytest

from jtransfer.data import DataError, Examples
from jtransfer.nets.ganin import mnist_net
from jtransfer.recipes.adaptation.options import Conduct, Options
from jtransfer.recipes.adaptation.problem import Problem
from jtransfer.recipes.adaptation.program import settings_of
from jtransfer.recipes.adaptation.run_methods import run_methods


def examples(name, *, count=20, classes=("a", "b"), side=8, first=0):
    images = np.arange(first, first + count, dtype=np.uint8)[:, None, None, None]
    labels = np.arange(count) % len(classes)
    return Examples(np.broadcast_to(images, (count, side, side, 3)).copy(), labels, classes, name)


def test_a_fifth_of_each_is_held_out():
    problem = Problem.between(examples("one", first=60), examples("other", count=11, first=100))
    sizes = [len(getattr(problem, part)) for part in ("source", "held_out", "target", "test")]
    assert sizes == [16, 4, 9, 2]
    seen = {
        part: set(getattr(problem, part).images[:, 0, 0, 0].tolist())
        for part in ("source", "held_out", "target", "test")
    }
    assert seen["source"] | seen["held_out"] == set(range(60, 80))
    assert seen["target"] | seen["test"] == set(range(100, 111))
    assert not seen["source"] & seen["held_out"]
    assert not seen["target"] & seen["test"]


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"classes": ("b", "a")}, "differ in their classes"),
        ({"side": 9}, "expected one height, width"),
    ],
)
def test_domains_that_do_not_agree_are_refused(changes, cause):
    with pytest.raises(DataError, match=cause):
        Problem.between(examples("one"), examples("other", **changes))


def test_a_run_depends_on_every_option():
    """A finished run of another net must not be given as this one's."""
    problem = Problem.between(examples("one"), examples("other"))
    said = [
        settings_of(problem, options, Conduct(), "dann")["options"]
        for options in (
            Options(),
            Options(net=partial(mnist_net, domains=3)),
            Options(net_options={"norm": True}),
            Options(like_frequencies=False),
        )
    ]
    assert said[0]["net"] == said[1]["net"] == "jtransfer.nets.ganin.mnist_net"
    assert said[1]["net_options"] == {"norm": True, "dropout": 0.5, "domains": 3}
    assert said[0]["net_options"] == {"norm": True, "dropout": 0.5}
    assert said[2] != said[0] != said[3]


def test_an_unknown_method_is_named(tmp_path):
    problem = Problem.between(examples("one"), examples("other"))
    with pytest.raises(ValueError, match=r"unknown method 'dqn'; expected one of source, sa, dann"):
        run_methods(problem, ["dqn"], conduct=Conduct(out=tmp_path))
