"""All adaptations of one setting in one program, against one after the other."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
import optax

from experiments.speaker_runs import Adapter, Task
from jtransfer.train.compilation import compile_step
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.parameter_groups import parameter_groups
from jtransfer.transfer.speaker import Method, over_runs, speaker_rules
from jtransfer.transfer.supervised import supervised_loss

RATE = 1e-3
REPEATS = 3


def compare_times(
    adapter: Adapter, tasks: Sequence[Task], methods: Sequence[Method]
) -> dict[str, float]:
    """Medians of alternating runs, in seconds and, as `cpu`, in seconds of the processor.

    `together` is one call for every method, speaker and draw. `run by run` is a call for each
    adaptation, of a program that takes all its steps. `step by step` is a call for every step of
    each, as a training loop makes them.
    """
    runs = adapter.runs(tasks, [(RATE, 0.0)] * len(tasks))
    adaptations = {method: adapter.adaptations[method] for method in methods}
    at_once = over_runs(adaptations)
    single = {method: jax.jit(adapt) for method, adapt in adaptations.items()}
    loops = {method: _loop(adapter, method) for method in methods}
    each = [jax.tree.map(lambda leaf, i=i: leaf[i], runs) for i in range(len(tasks))]

    ways: dict[str, Callable[[], Any]] = {
        "together": lambda: at_once(dict.fromkeys(methods, runs)),
        "run by run": lambda: [single[method](run) for method in methods for run in each],
        "step by step": lambda: [loops[method](run) for method in methods for run in each],
    }
    for way in ways.values():
        jax.block_until_ready(way())
    wall: dict[str, list[float]] = {name: [] for name in ways}
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(REPEATS):
        for name, way in ways.items():
            before = time.perf_counter(), time.process_time()
            jax.block_until_ready(way())
            wall[name].append(time.perf_counter() - before[0])
            cpu[name].append(time.process_time() - before[1])
    return {
        **{name: statistics.median(values) for name, values in wall.items()},
        **{f"{name}, cpu": statistics.median(values) for name, values in cpu.items()},
        "adaptations": len(methods) * len(tasks),
    }


def _loop(adapter: Adapter, method: Method) -> Callable[[Any], Any]:
    """Adapt by a call of the compiled step for every step."""
    net, params = adapter.corpus.net(), adapter.corpus.fresh(seed=0)["params"]
    groups = parameter_groups(params, speaker_rules(method))
    optimizer = groups.optimizer(optax.adam(optax.cosine_decay_schedule(RATE, adapter.steps)))
    step = make_step(
        supervised_loss(net, domain="target"),
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
