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
`TimedStep.full`, `PEAK_SIDE_ELSE` of `peak`, `share_device_memory`, and the transfers
to and waits for CUDA in `rivals.steps`.

The numbers go to experiments/results/benchmark/, from where `python -m experiments.report` writes
the page of throughput. Nothing else should run meanwhile.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import jax

from experiments.command import run_command
from experiments.throughput.compiled_step import compiled_step
from experiments.throughput.interleaved import Prepared, Rival, apart, keep, take_turns
from experiments.throughput.loop_overhead import loop_overhead
from experiments.throughput.peak import peak
from experiments.throughput.pytorch import KEEPING, PYTORCH, has_torch, torch_version
from experiments.throughput.random_data import Size
from experiments.throughput.timed_steps import TIMED
from jtransfer.measure import console_table
from jtransfer.train.runtime import prepare_process


@dataclass(frozen=True)
class Config:
    """Settings of a benchmark."""

    steps: tuple[str, ...] = tuple(TIMED)  # names of the steps to time
    rounds: int = 60  # timed steps of each framework at most, in turns
    warm_up: int = 3  # steps before those that are timed
    seconds: float = 8.0  # seconds after which a step gets no more rounds
    batch: int | None = None  # examples of each domain in a step; by default what suits the device
    loop_steps: int = 300  # steps of `fit` to time against as many bare ones; 0 leaves this out
    out: Path = Path("experiments/results/benchmark")  # where the numbers go


def jax_step(name: str, size: Size) -> Prepared:
    """A step of jtransfer at a time, in a process of its own that compiles anew."""
    prepare_process()
    jax.config.update("jax_enable_compilation_cache", False)
    timed = TIMED[name]
    return compiled_step(timed.build(size), timed.counted(size))


def torch_step(name: str, size: Size, *, keep_memory: bool) -> Prepared:
    """One step of PyTorch at a time, doing the same work."""
    if keep_memory:
        prepare_process()
    from experiments.throughput.rivals.steps import TORCH_STEPS

    return TORCH_STEPS[name].prepare(size), {}


def rivals_of(name: str, size: Size, platform: str) -> list[Rival]:
    """Who takes turns at a step."""
    rivals = [Rival("jtransfer", partial(jax_step, name, size))]
    if not has_torch():
        return rivals
    from experiments.throughput.rivals.steps import DEVICE, TORCH_STEPS

    # PyTorch on CPU is no rival of an accelerator.
    if name in TORCH_STEPS and (platform == "cpu") == (DEVICE == "cpu"):
        for who, keep_memory in ((PYTORCH, False), (KEEPING, True)):
            rivals.append(Rival(who, partial(torch_step, name, size, keep_memory=keep_memory)))
    return rivals


def overhead(steps: int) -> dict[str, float]:
    """Of `fit` over the bare step of DANN on the MNIST net, in a process of its own."""
    prepare_process()
    timed = TIMED["dann-mnist"]
    return loop_overhead(timed.build(timed.size(jax.default_backend())), steps)


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
    if not has_torch():
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
        loop = result["loop"] = apart(overhead, config.loop_steps)
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
