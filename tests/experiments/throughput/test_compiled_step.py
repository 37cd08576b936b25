from dataclasses import replace

import pytest

from experiments.throughput.compiled_step import compiled_step
from experiments.throughput.timed_steps import TIMED


@pytest.mark.parametrize("name", ["dann-mnist", "zero-shot"])
def test_a_step_of_ours(name):
    timed = TIMED[name]
    size = replace(timed.small, batch=2)
    run, told = compiled_step(timed.build(size), timed.counted(size))
    run()
    run()
    assert told["compile_seconds"] > 0
    assert told["gigaflop_by_xla"] > 0
    # Arguments, results and what lies between: the data alone are some megabytes.
    assert 1 < told["peak_megabytes"] < 1000
