"""Time the compiled train step, against PyTorch and through the loop.

    make bench                                     (on two cores some 4 minutes)
    python -m experiments.benchmark --rounds 100

One DANN step of the paper's MNIST net: 64 + 64 images of 32x32x3 gathered from uint8 arrays in
memory, forward, backward, SGD with momentum, float32. Each framework runs in a process of its own
and they take turns, a step at a time, so that neither slows the other; medians and their ratio are
printed. PyTorch is timed twice: as it comes, and with the memory allocator set as jtransfer sets it
for itself (freed memory is kept). Without PyTorch its columns are empty.

The numbers go to experiments/results/benchmark/, from where `python -m experiments.report` writes
BENCHMARKS.md. Nothing else should run meanwhile.
"""

import multiprocessing
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from jtransfer.measure import console_table
from jtransfer.train.run_folder import device_name, provenance, write_json
from jtransfer.train.runtime import prepare_process

BATCH = 64  # images a domain
IMAGES = 4096  # images a domain held in memory
REVERSAL = 0.5


@dataclass(frozen=True)
class Config:
    """Settings of a benchmark."""

    rounds: int = 60  # timed steps of each framework, taken in turns
    warm_up: int = 10  # steps before them that are not timed
    loop_steps: int = 1000  # steps of `fit`, against as many bare ones; 0 leaves this out
    out: Path = Path("experiments/results/benchmark")  # where the numbers go


@dataclass(frozen=True)
class Rival:
    """What takes turns: how it is called, and what makes its step in a new process."""

    name: str
    prepare: Callable[[], tuple[Callable[[], None], dict[str, float]]]


def random_domains() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Source images, source labels and target images; what they show does not matter."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (2, IMAGES, 32, 32, 3), np.uint8)
    return images[0], random.integers(0, 10, IMAGES, np.int32), images[1]


def jax_parts() -> tuple[Any, Any, Any]:
    """The compiled step, its first state and its feed."""
    import jax
    import jax.numpy as jnp
    import optax

    from jtransfer.data.resident import Domain, ResidentFeed, centred, channel_means
    from jtransfer.nets.ganin import mnist_net
    from jtransfer.train.compilation import compile_step
    from jtransfer.train.schedules import inverse_decay
    from jtransfer.train.state import TrainState
    from jtransfer.train.step import make_step
    from jtransfer.transfer.dann import dann_loss

    prepare_process()
    source, labels, target = random_domains()
    feed = ResidentFeed(
        {
            "source": Domain(
                {"image": source, "label": labels}, BATCH, centred(channel_means(source))
            ),
            "target": Domain({"image": target}, BATCH, centred(channel_means(target))),
        }
    )
    net, steps = mnist_net(), 10_000
    optimizer = optax.sgd(inverse_decay(0.01, total_steps=steps), momentum=0.9)
    variables = net.init(jax.random.key(0), jnp.zeros((1, 32, 32, 3)))
    state = TrainState.create(variables, optimizer, rng=jax.random.key(1))
    step = make_step(
        dann_loss(net, reversal=lambda _: jnp.asarray(REVERSAL)), optimizer, total_steps=steps
    )
    return compile_step(step, feed.gather), state, feed


def jax_step() -> tuple[Callable[[], None], dict[str, float]]:
    """One step of jtransfer at a time, and what its program costs."""
    import jax

    step, state, feed = jax_parts()
    started = time.perf_counter()
    compiled = step.lower(state, feed.constants, feed.inputs(0)).compile()
    costs = {
        "compile_seconds": time.perf_counter() - started,
        "gigaflop_a_step": compiled.cost_analysis()["flops"] / 1e9,
    }
    number = 0

    def run() -> None:
        nonlocal state, number
        state, metrics = compiled(state, feed.constants, feed.inputs(number))
        jax.block_until_ready((state.params, metrics))
        number += 1

    return run, costs


def torch_step() -> tuple[Callable[[], None], dict[str, float]]:
    """One step of PyTorch at a time, doing the same work."""
    import torch  # pyright: ignore[reportMissingImports]

    from experiments.torch_dann import MnistNet
    from jtransfer.data.resident import channel_means

    source, labels, target = random_domains()
    domains = [
        (torch.from_numpy(images), torch.from_numpy(channel_means(images)))
        for images in (source, target)
    ]
    classes = torch.from_numpy(labels).long()
    net = MnistNet()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    random = np.random.default_rng(0)

    def run() -> None:
        batch = []
        chosen = [torch.from_numpy(random.integers(0, IMAGES, BATCH)) for _ in domains]
        for (images, means), positions in zip(domains, chosen, strict=True):
            floats = images[positions].float() / 255.0 - means
            batch.append(floats.permute(0, 3, 1, 2))  # PyTorch then works on channels last
        optimizer.zero_grad()
        net.losses(batch[0], classes[chosen[0]], batch[1], REVERSAL).backward()
        optimizer.step()

    return run, {}


def torch_step_keeping_memory() -> tuple[Callable[[], None], dict[str, float]]:
    """As `torch_step`, with the process set up as jtransfer sets itself up."""
    prepare_process()
    return torch_step()


def serve(rival: Rival, warm_up: int, pipe: Connection) -> None:
    """In a process of its own: make the step, then take one whenever asked and send its time."""
    run, costs = rival.prepare()
    for _ in range(warm_up):
        run()
    pipe.send(costs)
    while pipe.recv():
        started = time.perf_counter()
        run()
        pipe.send(time.perf_counter() - started)


def take_turns(rivals: list[Rival], *, rounds: int, warm_up: int) -> dict[str, dict[str, Any]]:
    """Median seconds of a step for each rival, a step of each in every round."""
    context = multiprocessing.get_context("spawn")
    pipes, costs, processes = {}, {}, []
    for rival in rivals:
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(rival, warm_up, theirs), daemon=True)
        process.start()
        pipes[rival.name], costs[rival.name] = ours, ours.recv()
        processes.append(process)
        print(f"{rival.name}: ready")
    times: dict[str, list[float]] = {rival.name: [] for rival in rivals}
    for _ in range(rounds):
        for name, pipe in pipes.items():
            pipe.send(True)
            times[name].append(pipe.recv())
    for pipe, process in zip(pipes.values(), processes, strict=True):
        pipe.send(False)
        process.join()
    return {
        name: {
            "median_ms": 1e3 * statistics.median(values),
            "quartiles_ms": [1e3 * q for q in statistics.quantiles(values, n=4)[::2]],
            "rounds": len(values),
            **costs[name],
        }
        for name, values in times.items()
    }


def torch_version() -> dict[str, str]:
    """PyTorch's version, if it is installed."""
    return {"torch": version("torch")} if find_spec("torch") is not None else {}


def loop_overhead(steps: int) -> dict[str, float]:
    """Seconds of `fit` and of the bare compiled step, `steps` steps each, the bare one twice."""
    import io
    import tempfile

    import jax

    from jtransfer.train.loop import fit
    from jtransfer.train.run_log import RunLog

    step, state, feed = jax_parts()
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
    return {"steps": steps, "bare_seconds": (before + after) / 2, "fit_seconds": through}


def main(config: Config) -> dict[str, Any]:
    """Take the times, print them and write them down."""
    prepare_process()
    rivals = [Rival("jtransfer", jax_step)]
    if find_spec("torch") is not None:
        rivals.append(Rival("PyTorch", torch_step))
        rivals.append(Rival("PyTorch, keeping freed memory", torch_step_keeping_memory))
    else:
        print("PyTorch is not installed (make bench installs it): its rows are left out")
    print(f"one DANN step, {BATCH} + {BATCH} images of 32x32x3 in float32, on {device_name()}")
    times = take_turns(rivals, rounds=config.rounds, warm_up=config.warm_up)
    ours = times["jtransfer"]["median_ms"]
    rows = [
        [
            name,
            f"{each['median_ms']:.1f}",
            f"{2 * BATCH / each['median_ms'] * 1e3:,.0f}",
            f"{ours / each['median_ms']:.2f}",
        ]
        for name, each in times.items()
    ]
    print(console_table(["step", "median ms", "images/s", "jtransfer's time / this"], rows))
    result: dict[str, Any] = {"experiment": "benchmark", "date": str(date.today()), "step": times}
    if config.loop_steps:
        print(f"{config.loop_steps:,} steps bare, through fit, and bare again")
        loop = result["loop"] = loop_overhead(config.loop_steps)
        loop["ratio"] = loop["fit_seconds"] / loop["bare_seconds"]
        print(
            f"bare {loop['bare_seconds']:.1f} s, fit {loop['fit_seconds']:.1f} s: "
            f"{loop['ratio']:.3f} times the bare steps"
        )
    result["made_by"] = provenance()
    result["made_by"]["versions"] |= torch_version()
    config.out.mkdir(parents=True, exist_ok=True)
    file = config.out / "dann_step.json"
    write_json(file, result)
    print(f"results: {file}")
    return result


if __name__ == "__main__":
    main(tyro.cli(Config, description=__doc__))
