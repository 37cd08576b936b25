"""All adaptations of one setting in one program, against one after the other.

Every speaker in turn, every draw of its utterances and every method of `jt.speaker_rules`
adapt in one vmapped program; in a call each, of a program that takes all its steps; and in a call
for every step of each, as a training loop makes them. All compute the same. The nets are not
trained, which changes no time.

    python -m experiments.speaker_timing
    python -m experiments.speaker_timing --data wav:fsdd

The one program shares the runs between the devices, on CPU one a core, which the calls cannot: XLA
runs what is in a loop on one core. On one core arithmetic is the limit, and it is as fast as a call
for each. Not yet measured on an accelerator.
"""

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
from jax.sharding import NamedSharding, PartitionSpec

from experiments.command import run_command
from experiments.speaker_nets import Corpus
from experiments.speaker_runs import Adapter, Task
from jtransfer.data.loading import load_speech
from jtransfer.measure import console_table
from jtransfer.train.compilation import compile_step, data_mesh
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.runtime import prepare_process
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.finetuning.speaker import (
    METHODS,
    Method,
    adaptation_loss,
    over_runs,
    speaker_rules,
)
from jtransfer.transfer.parameter_groups import parameter_groups

RATE = 1e-3


@dataclass(frozen=True)
class Config:
    """Settings of a call."""

    data: str = "synthetic:speech"  # or wav:<folder>, such as wav:fsdd
    each: int = 3  # utterances of each class to adapt on
    draws: int = 3  # of them
    methods: tuple[Method, ...] = METHODS  # that adapt
    steps: int = 30  # of every adaptation
    batch: int = 10  # utterances a step
    repeats: int = 3  # of every way, alternating; medians count
    devices: int = 2  # one program shares the runs between those that divide them; on CPU, cores
    longest: float = 0.8  # seconds of an utterance that are used
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    out: Path = Path("checkpoints/speaker_timing")  # one folder a call


def compare_times(
    adapter: Adapter,
    tasks: Sequence[Task],
    methods: Sequence[Method],
    *,
    repeats: int,
    devices: int,
) -> dict[str, dict[str, float]]:
    """Medians for each way, in seconds by the clock and of the processor.

    With other work on the machine only the processor's time says something.
    """
    runs = adapter.runs(tasks, [(RATE, 0.0)] * len(tasks))
    adaptations = {method: adapter.adaptations[method] for method in methods}
    mesh = data_mesh(jax.devices()[: math.gcd(devices, len(tasks))])
    at_once = over_runs(adaptations, mesh=mesh)
    shared = jax.device_put(
        dict.fromkeys(methods, runs), NamedSharding(mesh, PartitionSpec("data"))
    )
    single = {method: jax.jit(adapt) for method, adapt in adaptations.items()}
    loops = {method: _loop(adapter, method) for method in methods}
    each = [jax.tree.map(lambda leaf, i=i: leaf[i], runs) for i in range(len(tasks))]

    def one_by_one(programs: Mapping[Any, Any]) -> Callable[[Sequence[Any]], Any]:
        return lambda runs: [programs[method](run) for method in methods for run in runs]

    ways: dict[str, Callable[[Sequence[Any]], Any]] = {
        "in one program": lambda _: at_once(shared),
        "one by one": one_by_one(single),
        "step by step": one_by_one(loops),
    }
    for way in ways.values():  # compile
        jax.block_until_ready(way(each[:1]))
    clock: dict[str, list[float]] = {name: [] for name in ways}
    processor: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            before = time.perf_counter(), time.process_time()
            jax.block_until_ready(way(each))
            clock[name].append(time.perf_counter() - before[0])
            processor[name].append(time.process_time() - before[1])
    return {
        "seconds": {name: statistics.median(values) for name, values in clock.items()},
        "processor_seconds": {
            name: statistics.median(values) for name, values in processor.items()
        },
    }


def _loop(adapter: Adapter, method: Method) -> Callable[[Any], Any]:
    """Adapt by a call of the compiled step for every step."""
    net, params = adapter.corpus.net(), adapter.corpus.fresh(seed=0)["params"]
    groups = parameter_groups(params, speaker_rules(method))
    optimizer = groups.optimizer(optax.adam(optax.cosine_decay_schedule(RATE, adapter.steps)))
    step = make_step(
        adaptation_loss(net, groups),
        optimizer,
        total_steps=adapter.steps,
        trainable=groups.trainable,
    )

    def gather(constants: Any, positions: jax.Array) -> dict[str, Any]:
        return {"target": jax.tree.map(lambda values: values[positions], constants)}

    compiled = compile_step(step, gather)

    def adapt(run: Any) -> Any:
        state = TrainState.create(run.variables, optimizer, rng=run.rng)
        constants = {"image": run.images, "label": run.targets}
        for positions in np.asarray(run.order):
            state, _ = compiled(state, constants, positions)
        return state.params

    return adapt


def main(config: Config) -> dict[str, Any]:
    """Time all ways unless that was done, and print the table."""
    prepare_process()
    utterances = load_speech(config.data, data_root=config.data_root)
    settings = {
        "experiment": "speaker_timing",
        "data": config.data,
        "fingerprint": utterances.fingerprint(),
        "each": config.each,
        "draws": config.draws,
        "methods": list(config.methods),
        "steps": config.steps,
        "batch": config.batch,
        "repeats": config.repeats,
        "devices": config.devices,
        "longest": config.longest,
    }
    name = f"{config.data.replace(':', '-')}-{config.each}each-{config.draws}draws"
    folder = RunFolder(config.out / f"{name}-{config.steps}steps", settings)
    result = folder.result()
    if result is None:
        corpus = Corpus.build(utterances, longest=config.longest)
        slots = len(utterances.classes) * config.each
        variables = corpus.fresh(seed=0)
        tasks = [
            Task.draw(corpus, variables, speaker, each=config.each, most=config.each, seed=seed)
            for speaker in range(len(utterances.speaker_names))
            for seed in range(config.draws)
        ]
        adapter = Adapter(corpus, config.steps, config.batch, slots, len(tasks))
        times = compare_times(
            adapter, tasks, config.methods, repeats=config.repeats, devices=config.devices
        )
        adaptations = len(tasks) * len(config.methods)
        result = folder.write_result({**settings, "adaptations": adaptations, **times})
    rows = [
        [way, f"{seconds:.2f} s", f"{result['processor_seconds'][way]:.2f} s"]
        for way, seconds in result["seconds"].items()
    ]
    print(f"{config.data}: {result['adaptations']} adaptations of {config.steps} steps\n")
    print(console_table(["way", "by the clock", "of the processor"], rows))
    return result


def on_devices(config: Config) -> dict[str, Any]:
    """The same in a process that has used no device yet."""
    jax.config.update("jax_num_cpu_devices", config.devices)
    return main(config)


if __name__ == "__main__":
    run_command(on_devices, Config, __doc__)
