"""Programs as accelerators get them, lowered on a machine that has none."""

import math
from collections.abc import Callable
from typing import Any
from unittest import mock

import jax
from jax import export, lax

ACCELERATORS = ("cuda", "tpu")

# What no formulation for accelerators has: in it every one for CPU is wrapped, and LAPACK is CPU's.
_OF_CPU = ("optimization_barrier", "lapack")

_plain = lax.platform_dependent


def _marking(*operands: Any, cpu: Callable[..., Any], default: Callable[..., Any]) -> Any:
    def marked(*given: Any) -> Any:
        return lax.optimization_barrier(cpu(*given))

    return _plain(*operands, cpu=marked, default=default)


def lowered(
    function: Callable[..., Any], *arguments: Any, platforms: tuple[str, ...] = ACCELERATORS
) -> export.Exported:
    """A function's program for arguments of these shapes; nothing is compiled or computed."""
    shapes = jax.eval_shape(lambda *given: given, *arguments)
    jitted: Any = function if hasattr(function, "lower") else jax.jit(function)
    with mock.patch.object(lax, "platform_dependent", _marking):
        return export.export(jitted, platforms=platforms)(*shapes)


def formulations_of_cpu(program: export.Exported) -> list[str]:
    """The signs of them that a program has."""
    text = program.mlir_module()
    return [sign for sign in _OF_CPU if sign in text]


def argument_bytes(program: export.Exported) -> int:
    """What a program is sent; keys count as the two numbers that they are."""
    return sum(_bytes(each) for each in program.in_avals)


def _bytes(array: Any) -> int:
    keys = jax.dtypes.issubdtype(array.dtype, jax.dtypes.prng_key)
    return math.prod(array.shape) * (8 if keys else array.dtype.itemsize)
