"""A net over all devices of this process."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from jtransfer.train.compilation import DATA_AXIS, data_mesh
from jtransfer.train.evaluation import filled_up


def over_local_devices(
    forward: Callable[[Any, jax.Array], Mapping[str, jax.Array]], variables: Any
) -> Callable[[np.ndarray], Mapping[str, jax.Array]]:
    """A pure function of variables and images, compiled, with the variables on every device.

    Each device of this process takes its share of the images; where they are no multiple of the
    devices the last one is repeated, and the outputs have as many rows more.

    Args:
      forward: from variables and images [batch, ...] to {layer: [batch, ...]}.
      variables: what it is given first; they are put on the devices now.
    """
    devices = jax.local_devices()
    if len(devices) == 1:
        return partial(jax.jit(forward), jax.device_put(variables))
    mesh = data_mesh(devices)
    whole, shares = (NamedSharding(mesh, PartitionSpec(*axes)) for axes in ((), (DATA_AXIS,)))
    compiled = jax.jit(forward, in_shardings=(whole, shares), out_shardings=shares)
    held = jax.device_put(variables, whole)

    def apply(images: np.ndarray) -> Mapping[str, jax.Array]:
        filled = filled_up(images, len(images) + -len(images) % len(devices))
        return compiled(held, jax.device_put(filled, shares))

    return apply
