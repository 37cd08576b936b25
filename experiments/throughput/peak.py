"""The device's peak: operations a second of a large product of matrices."""

import statistics
import time
from typing import Any

import jax
import jax.numpy as jnp

from jtransfer.train.provenance import provenance
from jtransfer.train.runtime import prepare_process

PEAK_SIDE = {"cpu": 2048}  # of the matrices whose product tells the peak
PEAK_SIDE_ELSE = 16384


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
