"""A trunk with one head: the net of fine-tuning."""

import flax.linen as nn
import jax

from jtransfer.nets.parts.trunk import Head, Trunk


class Classifier(nn.Module):
    """A feature trunk and a head that names classes.

    Attributes:
      trunk: images to features, called with `train` and `domains`.
      head: features to class logits: linear, `Head((), classes)`, or with hidden layers and
        dropout, `Head((100,), classes, dropout=0.5)`.
    """

    trunk: Trunk
    head: Head

    def __call__(
        self, images: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """Class logits [batch, classes] of [batch, height, width, channels] images."""
        return self.classify(self.features(images, train=train, domains=domains), train=train)

    def features(
        self, images: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """The trunk's features, flat: [batch, features]."""
        maps = self.trunk(images, train=train, domains=domains)
        return maps.reshape(maps.shape[0], -1)

    def classify(self, features: jax.Array, *, train: bool = False) -> jax.Array:
        """Class logits [batch, classes] of [batch, features]."""
        return self.head(features, train=train)

    def predict(self, images: jax.Array, *, domains: tuple[int, ...] = (0,)) -> jax.Array:
        """Class logits [batch, classes] of images, as at test time."""
        return self(images, domains=domains)
