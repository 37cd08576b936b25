"""A step of jtransfer at a time: how long it compiles, and what its program needs."""

import time

import jax

from experiments.throughput.interleaved import Prepared
from experiments.throughput.jax_steps import Work


def compiled_step(work: Work, flop: int | None) -> Prepared:
    """One step at a time, and what its program costs.

    Args:
      work: the step, compiled anew.
      flop: its operations counted by hand, if they are.
    """
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
        "gigaflop_by_hand": None if flop is None else flop / 1e9,
        "gigaflop_by_xla": plain["flops"] / 1e9,
        "peak_megabytes": (
            memory.temp_size_in_bytes
            + memory.argument_size_in_bytes
            + memory.output_size_in_bytes
            - memory.alias_size_in_bytes
        )
        / 1e6,
    }
