"""Time several runs in one program against as many programs, one after the other.

    make bench                                     (this part: on two cores a minute or two)
    python -m experiments.throughput.together --runs 3 --steps dann-mnist

What `--seeds 0 1 2 3 4 --together` of an experiment saves or costs on this device: a step of all
the runs, mapped by `jax.vmap`, beside as many steps of one run, in turns. On an accelerator that a
single run does not fill, several at once are nearly free; two cores are filled by one run of a
convolution net, and there a mapped convolution has a kernel for every run, which is slower.

The numbers go to experiments/results/benchmark_together/, from where `python -m experiments.report`
writes the page of throughput. Nothing else should run meanwhile.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from experiments.command import run_command
from experiments.throughput.interleaved import keep, summary
from experiments.throughput.rows import together_rows
from experiments.throughput.timed_steps import TIMED
from jtransfer.measure import console_table
from jtransfer.train.provenance import provenance
from jtransfer.train.runtime import prepare_process
from jtransfer.train.together import RunsFeed, stack_runs

STEPS = ("dann-mnist", "adda", "teacher", "zero-shot", "speech")


@dataclass(frozen=True)
class Config:
    """Settings of a benchmark."""

    steps: tuple[str, ...] = STEPS  # names of the steps to time
    runs: int = 5  # runs in one program
    rounds: int = 20  # timed steps of each run
    out: Path = Path("experiments/results/benchmark_together")  # where the numbers go


def measured(name: str, runs: int, rounds: int) -> dict[str, Any]:
    """A round's time of the runs in one program and one after the other."""
    timed = TIMED[name]
    size = timed.size(jax.default_backend())
    work = timed.build(size)
    if work.of_runs is None:
        raise ValueError(f"{name} trains nothing; expected steps such as {', '.join(STEPS)}")
    feed, all_feeds = work.feed, RunsFeed([work.feed] * runs)
    # Copies, before the first step uses the state up.
    states = [jax.tree.map(jnp.copy, work.state) for _ in range(runs)]
    everything = stack_runs(states)

    def one_by_one(number: int) -> None:
        for i, state in enumerate(states):
            states[i], _ = work.step(state, feed.constants, feed.inputs(number))
        jax.block_until_ready(states)

    def together(number: int) -> None:
        nonlocal everything
        assert work.of_runs is not None
        everything, _ = work.of_runs(everything, feed.constants, all_feeds.inputs(number))
        jax.block_until_ready(everything)

    times = _in_turns({"one by one": one_by_one, "together": together}, rounds)
    return {
        "title": timed.title,
        "size": size.in_words(),
        "times": times,
        "ratio": times["together"]["median_ms"] / times["one by one"]["median_ms"],
    }


def _in_turns(calls: dict[str, Callable[[int], None]], rounds: int) -> dict[str, Any]:
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + 3):
        for name, call in calls.items():
            started = time.perf_counter()
            call(number)
            seconds[name].append(time.perf_counter() - started)
    return {name: summary(each[3:]) for name, each in seconds.items()}


def main(config: Config) -> dict[str, Any]:
    """Take the times, print them and write them down."""
    prepare_process()
    unknown = sorted(set(config.steps) - TIMED.keys())
    if unknown:
        raise ValueError(f"no step {', '.join(unknown)}; expected some of {', '.join(TIMED)}")
    steps = {}
    for name in config.steps:
        steps[name] = measured(name, config.runs, config.rounds)
        print(f"{name}: {steps[name]['ratio']:.2f}", flush=True)
    print(console_table(["step", "one by one ms", "together ms", "ratio"], together_rows(steps)))
    result = {
        "experiment": "benchmark_together",
        "date": str(date.today()),
        "runs": config.runs,
        "steps": steps,
        "made_by": provenance(),
    }
    keep(config.out, jax.default_backend(), result)
    return result


if __name__ == "__main__":
    run_command(main, Config, __doc__)
