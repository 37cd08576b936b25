"""Trunks made of named stages, and the heads that sit on them."""

from collections.abc import Callable, Sequence
from typing import Any

import flax.linen as nn
import jax

from jtransfer.nets.parts.layers import Conv, Dense, Dropout, max_pool
from jtransfer.nets.parts.norm import DomainBatchNorm


class ConvStage(nn.Module):
    """Convolution, optional batch norm and channel dropout, optional max pool, ReLU.

    ReLU and max pool commute (both keep order), so ReLU comes last, where there is least to do.

    Attributes:
      features: number of output channels.
      kernel_size: side of the square kernel in pixels.
      padding: "VALID" or "SAME".
      pool: (window, stride) of the max pool in pixels, or None.
      norm: whether to normalise with `DomainBatchNorm`.
      dropout: share of the channels zeroed, whole maps at a time, while training.
    """

    features: int
    kernel_size: int
    padding: str = "VALID"
    pool: tuple[int, int] | None = None
    norm: bool = False
    dropout: float = 0.0

    @nn.compact
    def __call__(
        self, images: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """Map [batch, height, width, channels] to [batch, height', width', features]."""
        conv = Conv(
            self.features,
            self.kernel_size,
            padding=self.padding,
            use_bias=not self.norm,
            name="conv",
        )
        images = conv(images)
        if self.norm:
            images = DomainBatchNorm(name="norm")(images, train=train, domains=domains)
        if self.dropout:
            drop = Dropout(self.dropout, broadcast_dims=(1, 2))
            images = drop(images, deterministic=not train)
        if self.pool is not None:
            window, stride = self.pool
            images = max_pool(images, window=window, stride=stride)
        return nn.relu(images)


class Trunk(nn.Module):
    """An ordered sequence of named stages.

    Attributes:
      stages: (name, factory) pairs in order; a factory takes `name=` and returns a module called as
        `module(images, train=..., domains=...)`.
      frozen: names of stages that behave as at test time in training too: batch norm uses its
        running statistics and leaves them alone, nothing is dropped.
    """

    stages: tuple[tuple[str, Callable[..., nn.Module]], ...]
    frozen: tuple[str, ...] = ()

    @property
    def stage_names(self) -> tuple[str, ...]:
        """Names of the stages, first to last."""
        return tuple(name for name, _ in self.stages)

    @nn.compact
    def __call__(
        self,
        images: jax.Array,
        *,
        train: bool = False,
        domains: tuple[int, ...] = (0,),
        until: str | None = None,
        taps: Sequence[str] = (),
    ) -> Any:
        """Run the stages in order.

        Args:
          images: [batch, height, width, channels] float32.
          train: whether batch norm and dropout behave as in training.
          domains: which domains the batch holds, in equal consecutive parts.
          until: name of the last stage to run; None runs all.
          taps: names of stages whose outputs are returned as well, from the same pass.

        Returns:
          The last output, or `(output, {tap: output})` if `taps` are given.

        Raises:
          ValueError: if a name is not a stage's, or a tap lies behind `until`.
        """
        names = self.stage_names
        asked = (*taps, *self.frozen, *([until] if until else []))
        unknown = [name for name in asked if name not in names]
        if unknown:
            raise ValueError(f"no stage {unknown}; this trunk has {names}")
        last = names.index(until) if until else len(names) - 1
        behind = [tap for tap in taps if names.index(tap) > last]
        if behind:
            raise ValueError(f"taps {behind} lie behind until={until!r}")
        tapped = {}
        for name, factory in self.stages[: last + 1]:
            moves = train and name not in self.frozen
            images = factory(name=name)(images, train=moves, domains=domains)
            if name in taps:
                tapped[name] = images
        return (images, tapped) if taps else images


class Head(nn.Module):
    """A fully connected head on flattened features: hidden layers with ReLU, then a linear layer.

    Attributes:
      hidden: widths of the hidden layers, named fc1, fc2, ...
      outputs: number of outputs of the last layer, named out.
      dropout: share of each hidden layer's units zeroed while training.
    """

    hidden: tuple[int, ...]
    outputs: int
    dropout: float = 0.0

    @nn.compact
    def __call__(
        self, features: jax.Array, *, train: bool = False, last_hidden: bool = False
    ) -> jax.Array:
        """Map [batch, ...] features to [batch, outputs] logits.

        With `last_hidden`, to what the layer `out` reads: [batch, hidden[-1]], or the flat features
        of a head without hidden layers.
        """
        features = features.reshape(features.shape[0], -1)
        for number, width in enumerate(self.hidden, start=1):
            features = nn.relu(Dense(width, name=f"fc{number}")(features))
            if self.dropout:
                features = Dropout(self.dropout)(features, deterministic=not train)
        if last_hidden:
            return features
        return Dense(self.outputs, name="out")(features)
