"""A net of four numbers, small enough to differentiate a game between its parts by hand."""

import flax.linen as nn
import jax


class Scale(nn.Module):
    """Multiplication by one number."""

    @nn.compact
    def __call__(self, values: jax.Array) -> jax.Array:
        return values * self.param("weight", nn.initializers.ones, ())


class Game(nn.Module):
    """Features a x, class logits (0, c f), domain logit d f, of numbers x [n, 1]."""

    def setup(self):
        self.trunk, self.label_head, self.domain_head = Scale(), Scale(), Scale()

    def __call__(self, images: jax.Array):
        features = self.features(images)
        return self.classify(features), self.discriminate(features)

    def features(self, images, *, train=False, domains=(0,)):
        return self.trunk(images)

    def classify(self, features, *, train=False):
        return self.label_head(features) * jax.numpy.array([[0.0, 1.0]])

    def discriminate(self, features, *, train=False):
        return self.domain_head(features)[:, 0]

    def predict(self, images, *, domains=(0,)):
        return self.classify(self.features(images))


def params(**weights):
    """Parameters from the number of each part."""
    return {part: {"weight": jax.numpy.asarray(value)} for part, value in weights.items()}


def weights(tree):
    """The number of each part, of parameters or gradients."""
    return {part: float(leaf["weight"]) for part, leaf in tree.items()}


def sigmoid(x):
    return 1 / (1 + jax.numpy.exp(-x))
