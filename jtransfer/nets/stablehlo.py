"""Any net or probe as a program that carries its weights and needs nothing but JAX."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax import export
from jax.errors import InconclusiveDimensionOperation

PLATFORMS = ("cpu", "cuda", "tpu")


def to_stablehlo(
    function: Callable[..., Any], *inputs: Any, platforms: Sequence[str] = PLATFORMS
) -> bytes:
    """A function of a batch as StableHLO, for every platform named and any number of examples.

    `jax.export.deserialize(bytearray(content)).call(*inputs)` runs it, where there is no jtransfer.

    Args:
      function: from arrays [batch, ...] to arrays, in dicts, lists and tuples if there are several;
        pure. What else it reads, such as weights, is written with it:
        `partial(net.apply, variables)`, `partial(net.apply, variables, method="predict")`,
        `probe.decision`.
      inputs: of the function, of any batch size; arrays or `jax.ShapeDtypeStruct`.
      platforms: where it is to run, whichever are here: "cpu", "cuda", "rocm", "tpu".

    Raises:
      ValueError: if an input has no batch, or the function does something else for another size of
        it.
    """
    if not inputs or not all(each.shape for each in inputs):
        raise ValueError(
            f"inputs of the shapes {[each.shape for each in inputs]}; expected one or more, each "
            "with an axis of examples in front. Close the function over all else by `partial`"
        )
    (batch,) = export.symbolic_shape("batch")
    shapes = [jax.ShapeDtypeStruct((batch, *each.shape[1:]), each.dtype) for each in inputs]
    try:
        program = export.export(jax.jit(function), platforms=platforms)(*shapes)
    except (InconclusiveDimensionOperation, TypeError) as error:
        raise ValueError(
            f"the function cannot be written for any batch ({str(error).splitlines()[0]}); "
            "expected one that does the same for every number of examples"
        ) from error
    return bytes(program.serialize())
