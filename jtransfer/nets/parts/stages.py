"""Stages of large pretrained nets: one that holds its own parameters, one that has none."""

from collections.abc import Callable

import flax.linen as nn
import jax

from jtransfer.nets.parts.initializers import he_normal
from jtransfer.nets.parts.layers import Dropout

Operation = Callable[[jax.Array], jax.Array]


class FullStage(nn.Module):
    """Operations on maps, flattening, dropout, a fully connected layer, and ReLU.

    Dropout comes first, so that what is tapped behind a stage is whole in training too.

    Attributes:
      features: number of outputs.
      relu: whether negative outputs become zero (not in the last layer).
      dropout: share of the inputs zeroed while training.
      before: what is done to the maps first.
    """

    features: int
    relu: bool = True
    dropout: float = 0.0
    before: tuple[Operation, ...] = ()

    @nn.compact
    def __call__(
        self, maps: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """Map [batch, ...] to [batch, features]; maps in the order [height, width, channels]."""
        for operation in self.before:
            maps = operation(maps)
        inputs = maps.reshape(maps.shape[0], -1)
        shape = (inputs.shape[1], self.features)
        kernel = self.param("kernel", he_normal, shape)
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        if self.dropout:
            inputs = Dropout(self.dropout)(inputs, deterministic=not train)
        outputs = inputs @ kernel + bias[None]
        return nn.relu(outputs) if self.relu else outputs


class PixelMean(nn.Module):
    """Maps averaged over the pixels; vectors stay as they are."""

    def __call__(
        self, maps: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """Map [batch, ..., channels] to [batch, channels]."""
        del train, domains
        return maps.mean(axis=tuple(range(1, maps.ndim - 1))) if maps.ndim > 2 else maps
