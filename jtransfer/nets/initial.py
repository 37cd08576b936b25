"""What a net begins with, drawn in one program."""

from functools import partial
from typing import Any

import flax.linen as nn
import jax


def initial(net: nn.Module, key: jax.Array, *inputs: Any) -> dict[str, Any]:
    """Variables before training: those of `net.init(key, *inputs)`, compiled as a whole.

    Called directly, `init` compiles a program for every operation that it takes: of LeNet 82, which
    take more than twice as long and are in no cache.

    Args:
      net: to draw for.
      key: typed key.
      inputs: of the net; of NumPy's arrays no more than shape and dtype counts.
    """
    try:
        hash(net)
    except TypeError:
        # A net that holds a dict, such as `MultitaskNet`: JAX cannot tell that it saw it before.
        return dict(jax.jit(partial(net.init))(key, *inputs))
    return dict(_drawn(net, key, *inputs))


@partial(jax.jit, static_argnums=0)
def _drawn(net: nn.Module, key: jax.Array, *inputs: Any) -> Any:
    return net.init(key, *inputs)
