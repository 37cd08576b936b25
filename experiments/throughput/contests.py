"""Who takes turns at a step: jtransfer, and PyTorch where it has the same step."""

import statistics
import time
from functools import partial
from importlib.util import find_spec
from typing import Any

import jax
import jax.numpy as jnp

from experiments.throughput.random_data import Size
from experiments.throughput.timed_steps import TIMED
from experiments.throughput.turns import Prepared, Rival
from jtransfer.train.provenance import provenance
from jtransfer.train.runtime import prepare_process

PEAK_SIDE = {"cpu": 2048}  # of the matrices whose product tells the peak
PEAK_SIDE_ELSE = 16384
PYTORCH, KEEPING = "PyTorch", "PyTorch, keeping freed memory"


def peak() -> dict[str, Any]:
    """Operations a second of a product of square matrices, and what it was measured on."""
    prepare_process()
    side = PEAK_SIDE.get(jax.default_backend(), PEAK_SIDE_ELSE)
    matrix = jax.random.normal(jax.random.key(0), (side, side))
    product = jax.jit(jnp.matmul)
    jax.block_until_ready(product(matrix, matrix))
    times = []
    for _ in range(10):
        started = time.perf_counter()
        jax.block_until_ready(product(matrix, matrix))
        times.append(time.perf_counter() - started)
    return {
        "side": side,
        "gigaflop_a_second": 2e-9 * side**3 / statistics.median(times),
        "platform": jax.default_backend(),
        "made_by": provenance(),
    }


def jax_step(name: str, size: Size) -> Prepared:
    """As `compiled_step`, in a process of its own that compiles anew."""
    prepare_process()
    jax.config.update("jax_enable_compilation_cache", False)
    return compiled_step(name, size)


def compiled_step(name: str, size: Size) -> Prepared:
    """One step of jtransfer at a time, and what its program costs."""
    timed = TIMED[name]
    work = timed.build(size)
    state, constants, number = work.state, work.feed.constants, 0
    arguments = state, constants, work.feed.inputs(0)
    started = time.perf_counter()
    compiled = work.step.lower(*arguments).compile()
    seconds = time.perf_counter() - started
    memory = compiled.memory_analysis()
    # Lowered for another device: there every net computes its plain formulation.
    plain = work.step.trace(*arguments).lower(lowering_platforms=("cuda",)).cost_analysis()

    def run() -> None:
        nonlocal state, number
        moved, measured = compiled(state, constants, work.feed.inputs(number))
        jax.block_until_ready((moved, measured))
        state = state if moved is None else moved
        number += 1

    return run, {
        "compile_seconds": seconds,
        "gigaflop_by_hand": None if timed.flop is None else timed.flop(size) / 1e9,
        "gigaflop_by_xla": plain["flops"] / 1e9,
        "peak_megabytes": (
            memory.temp_size_in_bytes
            + memory.argument_size_in_bytes
            + memory.output_size_in_bytes
            - memory.alias_size_in_bytes
        )
        / 1e6,
    }


def torch_step(name: str, size: Size, *, keep_memory: bool) -> Prepared:
    """One step of PyTorch at a time, doing the same work."""
    if keep_memory:
        prepare_process()
    from experiments.throughput.rivals.steps import TORCH_STEPS

    return TORCH_STEPS[name].prepare(size), {}


def rivals_of(name: str, size: Size, platform: str) -> list[Rival]:
    """Who takes turns at a step."""
    rivals = [Rival("jtransfer", partial(jax_step, name, size))]
    if find_spec("torch") is None:
        return rivals
    from experiments.throughput.rivals.steps import DEVICE, TORCH_STEPS

    # PyTorch on CPU is no rival of an accelerator.
    if name in TORCH_STEPS and (platform == "cpu") == (DEVICE == "cpu"):
        for who, keep_memory in ((PYTORCH, False), (KEEPING, True)):
            rivals.append(Rival(who, partial(torch_step, name, size, keep_memory=keep_memory)))
    return rivals
