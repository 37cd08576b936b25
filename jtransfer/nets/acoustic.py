"""A small acoustic model: log-mel frames of an utterance to a name of what was said.

Its stages fit `jtransfer.nets.parts.trunk.Trunk`, with frames and their mask as a pair in the
place of images. A frame outside of the mask is zero before every stage, so that padding changes
nothing.
"""

from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from jtransfer.nets.classifier import Classifier
from jtransfer.nets.parts.initializers import he_normal
from jtransfer.nets.parts.layers import Dense, Dropout
from jtransfer.nets.parts.trunk import Head, Trunk

Frames = tuple[jax.Array, jax.Array]
"""Frames [batch, frames, features] and their mask [batch, frames], True within the utterance."""


class InputTransform(nn.Module):
    """An affine map of each frame, at first the identity: a speaker's own linear input network.

    Neto et al., Eurospeech 1995.
    """

    @nn.compact
    def __call__(
        self, frames: Frames, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> Frames:
        """Map [batch, frames, features] to the same shape."""
        features, mask = frames
        features = jnp.where(mask[..., None], features, 0.0)
        size = features.shape[-1]
        kernel = self.param("kernel", lambda _, size: jnp.eye(size), size)
        bias = self.param("bias", nn.initializers.zeros, (size,))
        return features @ kernel + bias[None, None], mask


class Amplitude(nn.Module):
    """A factor 2 sigmoid(r) for each hidden unit, at first 1 (LHUC).

    Learning hidden unit contributions: Swietojanski & Renals, SLT 2014, equation 3.
    """

    @nn.compact
    def __call__(self, units: jax.Array) -> jax.Array:
        """Scale [..., units]."""
        r = self.param("r", nn.initializers.zeros, (units.shape[-1],))
        return units * (2 * nn.sigmoid(r)).reshape((1,) * (units.ndim - 1) + (-1,))


class FrameStage(nn.Module):
    """A one-dimensional convolution over frames, ReLU, and an amplitude of each unit.

    Written as one matrix product of stacked neighbours: XLA:CPU is slow at small convolutions.

    Attributes:
      units: number of outputs.
      width: neighbouring frames that are seen at once, an odd number.
      stride: frames from output to output.
      dropout: share of the outputs zeroed while training, for a whole utterance at a time.
    """

    units: int
    width: int
    stride: int = 1
    dropout: float = 0.0

    @nn.compact
    def __call__(
        self, frames: Frames, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> Frames:
        """Map [batch, frames, features] to [batch, ceil(frames / stride), units]."""
        features, mask = frames
        features = jnp.where(mask[..., None], features, 0.0)
        around = self.width // 2
        padded = jnp.pad(features, ((0, 0), (around, around), (0, 0)))
        length = features.shape[1]
        stacked = jnp.concatenate(
            [padded[:, start : start + length : self.stride] for start in range(self.width)], axis=2
        )
        units = nn.relu(Dense(self.units, kernel_init=he_normal)(stacked))
        units = Amplitude(name="amplitude")(units)
        if self.dropout:
            drop = Dropout(self.dropout, broadcast_dims=(1,))
            units = drop(units, deterministic=not train)
        return units, mask[:, :: self.stride]


class PoolStage(nn.Module):
    """Mean and maximum over an utterance's frames, a hidden layer, and an amplitude of each unit.

    Attributes:
      units: width of the hidden layer.
      dropout: share of the pooled values zeroed while training.
    """

    units: int
    dropout: float = 0.0

    @nn.compact
    def __call__(
        self, frames: Frames, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """Map [batch, frames, features], which are not negative, to [batch, units]."""
        features, mask = frames
        features = jnp.where(mask[..., None], features, 0.0)
        count = jnp.maximum(mask.sum(axis=1, keepdims=True), 1)
        pooled = jnp.concatenate([features.sum(axis=1) / count, features.max(axis=1)], axis=1)
        if self.dropout:
            pooled = Dropout(self.dropout)(pooled, deterministic=not train)
        units = nn.relu(Dense(self.units, kernel_init=he_normal)(pooled))
        return Amplitude(name="amplitude")(units)


def acoustic_net(
    *, classes: int, units: tuple[int, int, int, int] = (48, 64, 96, 64), dropout: float = 0.2
) -> Classifier:
    """Three convolutions over frames, pooling over the utterance, a hidden layer, a linear head.

    The stages are input, conv1 (5 frames, every other kept), conv2 (the same), conv3 (3 frames) and
    fc4; conv3 sees 21 frames (5 + 4 x 2 + 2 x 4), .225 s with windows of .025 s every .010 s.

    Args:
      classes: number of outputs.
      units: widths of conv1, conv2, conv3 and fc4.
      dropout: share of the units of conv3 and of the pooled values zeroed while training.
    """
    stages: tuple[tuple[str, Callable[..., nn.Module]], ...] = (
        ("input", InputTransform),
        ("conv1", partial(FrameStage, units[0], 5, 2)),
        ("conv2", partial(FrameStage, units[1], 5, 2)),
        ("conv3", partial(FrameStage, units[2], 3, dropout=dropout)),
        ("fc4", partial(PoolStage, units[3], dropout=dropout)),
    )
    return Classifier(Trunk(stages), Head((), classes))
