"""Time the operations that the steps are made of, beside XLA's own and PyTorch's.

    make bench                                     (this part: on two cores some 3 minutes)
    python -m experiments.throughput.operations --nets dann-svhn

Every layer's way there and its gradients, at the sizes of the timed steps and compiled one by one:
as jtransfer's nets compute it, by XLA's own operation where that is another one, and in PyTorch
with the memory allocator set as jtransfer sets it. Each has a process of its own, and they take
turns, an operation at a time. This tells where a step is slower or faster than PyTorch's, and what
the nets' own formulations of layers are worth. It is meant for CPU: on an accelerator jtransfer's
and XLA's own are the same.

The numbers go to experiments/results/benchmark_operations/, from where
`python -m experiments.report` writes the page of throughput. Nothing else should run meanwhile.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

from experiments.command import run_command
from experiments.throughput.interleaved import Prepared, Rival, apart, keep, summary, turns
from experiments.throughput.layer_operations import Operation, jtransfers, program, xlas
from experiments.throughput.peak import peak
from experiments.throughput.pytorch import KEEPING, PYTORCH, has_torch, torch_version
from experiments.throughput.rows import JTRANSFER, XLA, operation_row
from experiments.throughput.step_operations import OPERATIONS
from experiments.throughput.timed_steps import TIMED
from jtransfer.measure import console_table
from jtransfer.train.runtime import prepare_process


@dataclass(frozen=True)
class Config:
    """Settings of a benchmark."""

    nets: tuple[str, ...] = tuple(OPERATIONS)  # nets whose operations are timed
    rounds: int = 15  # timed calls of each operation
    out: Path = Path("experiments/results/benchmark_operations")  # where the numbers go


def programs(who: str, operations: tuple[Operation, ...]) -> Prepared:
    """In a process of its own: the operations one after the other, again and again."""
    prepare_process()
    if who == KEEPING:
        from experiments.throughput.rivals.operations import torch_program

        calls: list[Callable[[], Any]] = [torch_program(each) for each in operations]
    else:
        layer_of = jtransfers if who == JTRANSFER else xlas
        calls = [program(each, layer_of(each)) for each in operations]
    again = cycle(calls)
    return (lambda: next(again)()), {}


def timed(operations: tuple[Operation, ...], rounds: int) -> list[dict[str, Any]]:
    """The operations, and the times of all who compute them."""
    names = [JTRANSFER, XLA] + ([KEEPING] if has_torch() else [])
    rivals = [Rival(who, partial(programs, who, operations)) for who in names]
    count = len(operations)
    seconds, _ = turns(rivals, rounds=rounds * count, warm_up=3 * count)
    return [
        {
            **asdict(each),
            "gigaflop": each.gigaflop,
            "times": {
                who: summary(seconds[who][number::count])
                for who in names
                if who != XLA or each.has_own_formulation
            },
        }
        for number, each in enumerate(operations)
    ]


def main(config: Config) -> dict[str, Any]:
    """Take the times, print them and write them down."""
    unknown = sorted(set(config.nets) - OPERATIONS.keys())
    if unknown:
        raise ValueError(f"no net {', '.join(unknown)}; expected some of {', '.join(OPERATIONS)}")
    if not has_torch():
        print(f"{PYTORCH} is not installed (make bench installs it): its column is empty")
    of_device = apart(peak)
    made_by = of_device.pop("made_by")
    made_by["versions"] |= torch_version()
    print(f"{made_by['device']}: {of_device['gigaflop_a_second']:.0f} GFLOP/s at its peak")
    nets = {}
    for name in config.nets:
        nets[name] = timed(OPERATIONS[name], config.rounds)
        print(f"\n{TIMED[name].title}", flush=True)
        header = ["layer", "part", "GFLOP", JTRANSFER, XLA, PYTORCH, "ratio"]
        print(console_table(header, [operation_row(each) for each in nets[name]]), flush=True)
    result = {
        "experiment": "benchmark_operations",
        "date": str(date.today()),
        "peak": of_device,
        "nets": nets,
        "made_by": made_by,
    }
    keep(config.out, of_device["platform"], result)
    return result


if __name__ == "__main__":
    run_command(main, Config, __doc__)
