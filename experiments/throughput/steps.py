"""Time the compiled steps: speed, compilation, memory, and PyTorch doing the same.

    make bench                                          (this part: on two cores some 5 minutes)
    python -m experiments.throughput.steps --steps dann-mnist alexnet-tuning

Every step of `timed_steps` on random examples that lie in memory, from gathering the batch to the
optimizer, in float32. Each framework runs in a process of its own and they take turns, a step at a
time, so that neither slows the other; medians and their ratio are printed. PyTorch is timed twice:
as it comes, and with the memory allocator set as jtransfer sets it for itself (freed memory is
kept). Without PyTorch its columns are empty. Compilation is timed without the cache of compiled
programs. Operations are counted by hand where that is simple, else by XLA on the plain formulation;
the device's peak is that of a large matrix product.

The sizes are small ones on CPU and full ones on an accelerator. Only accelerators take these paths:
`TimedStep.full`, `PEAK_SIDE_ELSE` of `contests`, `share_device_memory`, and the transfers
to and waits for CUDA in `rivals.steps`.

The numbers go to experiments/results/benchmark/, from where `python -m experiments.report` writes
BENCHMARKS.md. Nothing else should run meanwhile.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from experiments.command import run_command
from experiments.throughput.contests import KEEPING, PYTORCH, peak, rivals_of
from experiments.throughput.loop import loop_overhead
from experiments.throughput.timed_steps import TIMED
from experiments.throughput.turns import apart, keep, take_turns, torch_version
from jtransfer.measure import console_table


@dataclass(frozen=True)
class Config:
    """Settings of a benchmark."""

    steps: tuple[str, ...] = tuple(TIMED)  # those that are timed
    rounds: int = 60  # timed steps of each framework at most, taken in turns
    warm_up: int = 3  # steps before them that are not timed
    seconds: float = 8.0  # of turns at each step, after which there are no more rounds
    batch: int | None = None  # examples of a domain, instead of the device's sizes
    loop_steps: int = 300  # steps of `fit`, against as many bare ones; 0 leaves this out
    out: Path = Path("experiments/results/benchmark")  # where the numbers go


def measured(config: Config, name: str, of_device: Mapping[str, Any]) -> dict[str, Any]:
    """All about one step."""
    size = TIMED[name].size(of_device["platform"])
    if config.batch is not None:
        size = replace(size, batch=config.batch)
    rivals = rivals_of(name, size, of_device["platform"])
    times = take_turns(rivals, rounds=config.rounds, warm_up=config.warm_up, seconds=config.seconds)
    ours = times["jtransfer"]
    steps = 1e3 / ours["median_ms"]
    speed = (ours["gigaflop_by_hand"] or ours["gigaflop_by_xla"]) * steps
    return {
        "title": TIMED[name].title,
        "size": size.in_words(),
        "examples": size.examples,
        "steps_a_second": steps,
        "examples_a_second": size.examples * steps,
        "gigaflop_a_second": speed,
        "share_of_peak": speed / of_device["gigaflop_a_second"],
        "ratio": {
            who: ours["median_ms"] / each["median_ms"]
            for who, each in times.items()
            if each is not ours
        },
        "times": times,
    }


def share_device_memory() -> None:
    """Let JAX take an accelerator's memory as it needs it: PyTorch's processes need some too."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


def main(config: Config) -> dict[str, Any]:
    """Take the times, print them and write them down."""
    unknown = sorted(set(config.steps) - TIMED.keys())
    if unknown:
        raise ValueError(f"no step {', '.join(unknown)}; expected some of {', '.join(TIMED)}")
    share_device_memory()
    if find_spec("torch") is None:
        print("PyTorch is not installed (make bench installs it): its columns are empty")
    of_device = apart(peak)
    made_by = of_device.pop("made_by")
    print(f"{made_by['device']}: {of_device['gigaflop_a_second']:.0f} GFLOP/s at its peak")
    steps = {}
    for name in config.steps:
        steps[name] = each = measured(config, name, of_device)
        print(f"{each['title']}: {each['times']['jtransfer']['median_ms']:.1f} ms", flush=True)
    header = ["step", "compile s", "ms", "images/s", "GFLOP/s", "of peak", "MB", PYTORCH, "keeping"]
    rows = [row(each) for each in steps.values()]
    print(console_table(header, rows))
    made_by["versions"] |= torch_version()
    result: dict[str, Any] = {
        "experiment": "benchmark",
        "date": str(date.today()),
        "peak": of_device,
        "steps": steps,
    }
    if config.loop_steps:
        loop = result["loop"] = apart(loop_overhead, config.loop_steps)
        print(f"{loop['steps']:,} steps through fit: {loop['ratio']:.3f} times the bare steps")
    result["made_by"] = made_by
    keep(config.out, of_device["platform"], result)
    return result


def row(step: Mapping[str, Any]) -> list[str]:
    """A step's cells in the table."""
    ours, ratios = step["times"]["jtransfer"], step["ratio"]
    return [
        f"{step['title']}, {step['size']}",
        f"{ours['compile_seconds']:.1f}",
        f"{ours['median_ms']:.1f}",
        f"{step['examples_a_second']:,.0f}",
        f"{step['gigaflop_a_second']:.1f}",
        f"{step['share_of_peak']:.0%}",
        f"{ours['peak_megabytes']:,.0f}",
        *(f"{ratios[who]:.2f}" if who in ratios else "" for who in (PYTORCH, KEEPING)),
    ]


if __name__ == "__main__":
    run_command(main, Config, __doc__)
