"""What a net begins with, drawn in one program."""

from functools import partial
from typing import Any

import flax.linen as nn
import jax


@partial(jax.jit, static_argnums=0)
def initial(net: nn.Module, key: jax.Array, *inputs: Any) -> dict[str, Any]:
    """Variables before training: those of `net.init(key, *inputs)`, compiled as a whole.

    Called directly, `init` compiles a program for every operation that it takes: of LeNet 82, which
    take more than twice as long and are in no cache.

    Args:
      net: to draw for.
      key: typed key.
      inputs: of the net; of NumPy's arrays no more than shape and dtype counts.
    """
    return dict(net.init(key, *inputs))
