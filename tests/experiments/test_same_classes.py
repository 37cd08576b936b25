"""No experiment trains by one numbering of classes and tests by another."""

from dataclasses import replace

import numpy as np
import pytest

from experiments import layer_tasks, transfer_pairs
from experiments.adapt_digits import setup
from experiments.adapt_digits.pairs import PAIRS
from experiments.throughput import epoch
from jtransfer.data import DataError, Examples

EXAMPLES = Examples(
    np.full((2, 32, 32, 3), 255, np.uint8), np.array([0, 1]), ("cat", "dog"), "pets"
)
LOADS = {
    "adapt_digits": (setup, 4, lambda: setup.problem_of(PAIRS["numbers-digits"], None)),
    "transfer_pairs": (
        transfer_pairs,
        4,
        lambda: transfer_pairs.Problem.load(transfer_pairs.PAIRS["mnist-usps"], None),
    ),
    "layer_tasks": (
        layer_tasks,
        2,
        lambda: layer_tasks.Problem.load(layer_tasks.TASKS["signs"], None),
    ),
    "epoch": (epoch, 2, lambda: epoch.read_domains(epoch.Config())),
}


@pytest.mark.parametrize("name", LOADS)
def test_a_set_of_other_classes_is_refused_wherever_it_stands(name, monkeypatch):
    module, sets, read = LOADS[name]
    for odd in range(sets):
        loaded = [replace(EXAMPLES, name=f"set {number}") for number in range(sets)]
        loaded[odd] = replace(loaded[odd], classes=("dog", "cat"))
        monkeypatch.setattr(module, "load", lambda *_, _left=loaded, **__: _left.pop(0))
        with pytest.raises(DataError, match=r"set \d and set \d differ in their classes"):
            read()
    monkeypatch.setattr(module, "load", lambda *_, **__: EXAMPLES)
    read()
