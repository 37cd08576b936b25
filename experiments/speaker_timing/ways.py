"""All adaptations in one program, in a call each, and in a call for every step of each."""

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import optax
from jax.sharding import NamedSharding, PartitionSpec

from jtransfer.recipes.speakers.adapter import Adapter
from jtransfer.recipes.speakers.step_by_step import adapt_step_by_step
from jtransfer.recipes.speakers.task import Task
from jtransfer.train.compilation import data_mesh
from jtransfer.transfer.finetuning.speaker import Adaptation, Method, over_runs

RATE = 1e-3


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


def _loop(adapter: Adapter, method: Method) -> Adaptation:
    """Adapt by a call of the compiled step for every step."""
    return adapt_step_by_step(
        adapter.corpus.net(),
        adapter.corpus.fresh(seed=0)["params"],
        method,
        steps=adapter.steps,
        optimizer=optax.adam(optax.cosine_decay_schedule(RATE, adapter.steps)),
    )
