"""What a net begins with, drawn in one program."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import flax.linen as nn
import jax
from jax.core import Tracer

# A program that runs once is worth no optimisation: of LeNet that is over a third of compiling it.
_ONCE = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


def initial(net: nn.Module, key: jax.Array, *inputs: Any) -> dict[str, Any]:
    """Variables before training: those of `net.init(key, *inputs)`, compiled as a whole.

    Called directly, `init` compiles a program for every operation that it takes: of LeNet 82, which
    take more than twice as long and are in no cache. Numbers may differ from these in the last bit.

    Args:
      net: to draw for.
      key: typed key.
      inputs: of the net; of NumPy's arrays no more than shape and dtype counts.
    """
    if isinstance(key, Tracer):  # what is asked for is the shapes alone
        return dict(net.init(key, *inputs))
    try:
        hash(net)
    except TypeError:
        # A net that holds a dict, such as `MultitaskNet`: JAX cannot tell that it saw it before.
        return dict(_once(partial(net.init))(key, *inputs))
    return dict(_drawing()(net, key, *inputs))


@cache
def _drawing():
    return _once(lambda net, key, *inputs: net.init(key, *inputs), static_argnums=0)


def _once(function: Callable[..., Any], **options: Any) -> Any:
    """Compiled for one run; other platforms than CPUs have not these names for it."""
    quick = _ONCE if jax.default_backend() == "cpu" else None
    return jax.jit(function, compiler_options=quick, **options)
