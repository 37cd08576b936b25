"""One trunk with a head for every task."""

from collections.abc import Mapping

import flax.linen as nn
import jax

from jtransfer.nets.parts.trunk import Head, Trunk


class MultitaskNet(nn.Module):
    """A feature trunk that several tasks share, and a head of each task's own.

    The parameters are `trunk/...` and, for a task, `heads_<task>/...`.

    Attributes:
      trunk: images to features, called with `train` and `domains`.
      heads: name of each task to its head: class logits, or one output for a number.
    """

    trunk: Trunk
    heads: Mapping[str, Head]

    def __call__(
        self, images: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> dict[str, jax.Array]:
        """Every task's [batch, outputs] of [batch, height, width, channels] images."""
        features = self.features(images, train=train, domains=domains)
        return {task: self.answer(features, task, train=train) for task in self.heads}

    def features(
        self, images: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """The trunk's features, flat: [batch, features]."""
        maps = self.trunk(images, train=train, domains=domains)
        return maps.reshape(maps.shape[0], -1)

    def answer(self, features: jax.Array, task: str, *, train: bool = False) -> jax.Array:
        """One task's [batch, outputs] of [batch, features]."""
        return self.heads[task](features, train=train)

    def predict(
        self, images: jax.Array, *, domains: tuple[int, ...] = (0,)
    ) -> dict[str, jax.Array]:
        """Every task's [batch, outputs] of images, as at test time."""
        return self(images, domains=domains)
