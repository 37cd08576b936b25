"""What the training loop adds to the bare steps."""

import io
import tempfile
import time
from pathlib import Path

import jax

from experiments.throughput.jax_steps import Work
from jtransfer.train.loop import fit
from jtransfer.train.run_log import RunLog


def loop_overhead(work: Work, steps: int) -> dict[str, float]:
    """Seconds of `fit` and of the bare compiled step, `steps` steps each, the bare one twice."""
    step, state, feed = work.step, work.state, work.feed
    for number in range(10):
        state, _ = step(state, feed.constants, feed.inputs(number))

    def bare() -> float:
        nonlocal state
        started = time.perf_counter()
        for number in range(steps):
            state, _ = step(state, feed.constants, feed.inputs(number))
        jax.block_until_ready(state.params)
        return time.perf_counter() - started

    def fitted() -> float:
        nonlocal state
        end = int(state.step) + steps
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "metrics.jsonl"
            started = time.perf_counter()
            with RunLog(file, name="fit", total_steps=end, stream=io.StringIO()) as log:
                state = fit(step, state, feed, steps=end, log=log)
            jax.block_until_ready(state.params)
            return time.perf_counter() - started

    before, through, after = bare(), fitted(), bare()
    seconds = (before + after) / 2
    return {
        "steps": steps,
        "bare_seconds": seconds,
        "fit_seconds": through,
        "ratio": through / seconds,
    }
