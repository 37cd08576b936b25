"""No experiment trains by one numbering of classes and tests by another."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.adapt_digits import pairs as adapted, setup
from experiments.fine_tune import pairs as tuned
from experiments.throughput import epoch
from experiments.transfer_layers import tasks
from jtransfer.data import DataError, Examples

EXAMPLES = Examples(
    np.full((2, 32, 32, 3), 255, np.uint8), np.array([0, 1]), ("cat", "dog"), "pets"
)
# Where sets are loaded, how many, and what loads them.
LOADS = {
    "adapt_digits": (setup, 4, lambda: setup.problem_of(adapted.PAIRS["numbers-digits"], None)),
    "fine_tune": (tuned, 4, lambda: tuned.problem_of(tuned.PAIRS["mnist-usps"], None)),
    "transfer_layers": (tasks, 2, lambda: tasks.problem_of(tasks.TASKS["signs"], None)),
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
