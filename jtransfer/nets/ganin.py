"""The three nets of domain-adversarial training (Ganin et al., JMLR 2016, Figure 4).

Each is a trunk of named convolution stages, a label head and a domain head, all three plain linen
modules. The paper does not state the padding: the MNIST net is unpadded as the LeNet it comes from,
the other two keep their maps' size as in other implementations.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from jtransfer.nets.parts.multilinear import MultilinearMap
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk

Judged = Literal["features", "logits", "multilinear"]


class AdaptationNet(nn.Module):
    """A feature trunk with a label head and a domain head on the trunk's features.

    Attributes:
      trunk: images to features, called with `train` and `domains`.
      label_head: features to class logits.
      domain_head: features to one logit, positive for the target domain.
      judged: what the domain head reads: the features, the class logits that the label head makes
        of them, or the multilinear map of features and class probabilities, in which these are
        constants; the label head is not moved by what the domain head learns.
      multilinear: that map.
    """

    trunk: Trunk
    label_head: Head
    domain_head: Head
    judged: Judged = "features"
    multilinear: MultilinearMap = MultilinearMap()

    def __call__(
        self, images: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> tuple[jax.Array, jax.Array]:
        """Class logits [batch, classes] and domain logits [batch] of [batch, h, w, c] images."""
        features = self.features(images, train=train, domains=domains)
        return self.classify(features, train=train), self.discriminate(features, train=train)

    def features(
        self, images: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """The trunk's features, flat: [batch, features]."""
        maps = self.trunk(images, train=train, domains=domains)
        return maps.reshape(maps.shape[0], -1)

    def classify(self, features: jax.Array, *, train: bool = False) -> jax.Array:
        """Class logits [batch, classes] of [batch, features]."""
        return self.label_head(features, train=train)

    def discriminate(self, features: jax.Array, *, train: bool = False) -> jax.Array:
        """Domain logits [batch] of [batch, features]."""
        return self.domain_logits(features, train=train)[:, 0]

    def domain_logits(self, features: jax.Array, *, train: bool = False) -> jax.Array:
        """What the domain head makes of [batch, features], or of what else it reads."""
        if self.judged == "features":
            return self.domain_head(features, train=train)
        still = lax.stop_gradient(self.label_head.variables)
        logits: Any = self.label_head.clone(parent=None).apply(still, features)
        if self.judged == "logits":
            return self.domain_head(logits, train=train)
        probabilities = lax.stop_gradient(jax.nn.softmax(logits.astype(jnp.float32)))
        return self.domain_head(self.multilinear(features, probabilities), train=train)

    def last_hidden(self, images: jax.Array, *, domains: tuple[int, ...] = (0,)) -> jax.Array:
        """The label head's last hidden layer [batch, width], as at test time."""
        return self.label_head(self.features(images, domains=domains), last_hidden=True)

    def predict(self, images: jax.Array, *, domains: tuple[int, ...] = (0,)) -> jax.Array:
        """Class logits [batch, classes] of images, as at test time."""
        return self.classify(self.features(images, domains=domains))


def mnist_net(*, classes: int = 10, norm: bool = False, dropout: float = 0.0) -> AdaptationNet:
    """Figure 4a: conv5x5-32, pool, conv5x5-48, pool | fc100-fc100 | domain fc100. For 32x32x3.

    `norm` (batch norm per domain in the trunk) and `dropout` (of whole maps before the second pool)
    are off in the paper.
    """
    stages = (
        ("conv1", partial(ConvStage, 32, 5, pool=(2, 2), norm=norm)),
        ("conv2", partial(ConvStage, 48, 5, pool=(2, 2), norm=norm, dropout=dropout)),
    )
    return AdaptationNet(Trunk(stages), Head((100, 100), classes), Head((100,), 1))


def svhn_net(
    *, classes: int = 10, norm: bool = False, dropout: float = 0.0, width: float = 1.0
) -> AdaptationNet:
    """Figure 4b: conv5x5-64, pool, conv5x5-64, pool, conv5x5-128 | fc3072-fc2048 | two fc1024.

    For 32x32x3. `dropout` acts on the domain head's hidden layers. `width` scales the numbers of
    channels and of hidden units, 1 being the paper's; a step costs about its square.
    """
    channels = [round(width * count) for count in (64, 64, 128)]
    hidden = tuple(round(width * count) for count in (3072, 2048))
    of_domain = tuple(round(width * count) for count in (1024, 1024))
    stages = (
        ("conv1", partial(ConvStage, channels[0], 5, "SAME", pool=(3, 2), norm=norm)),
        ("conv2", partial(ConvStage, channels[1], 5, "SAME", pool=(3, 2), norm=norm)),
        ("conv3", partial(ConvStage, channels[2], 5, "SAME", norm=norm)),
    )
    domain_head = Head(of_domain, 1, dropout=dropout)
    return AdaptationNet(Trunk(stages), Head(hidden, classes), domain_head)


def gtsrb_net(
    *, classes: int = 43, norm: bool = False, dropout: float = 0.0, width: float = 1.0
) -> AdaptationNet:
    """Figure 4c: conv5x5-96, conv3x3-144, conv5x5-256, each pooled | fc512 | two fc1024.

    For 40x40x3. `dropout` acts on the domain head's hidden layers. `width` scales the numbers of
    channels, 1 being the paper's; a step costs about its square.
    """
    channels = [round(width * count) for count in (96, 144, 256)]
    stages = (
        ("conv1", partial(ConvStage, channels[0], 5, "SAME", pool=(2, 2), norm=norm)),
        ("conv2", partial(ConvStage, channels[1], 3, "SAME", pool=(2, 2), norm=norm)),
        ("conv3", partial(ConvStage, channels[2], 5, "SAME", pool=(2, 2), norm=norm)),
    )
    domain_head = Head((1024, 1024), 1, dropout=dropout)
    return AdaptationNet(Trunk(stages), Head((512,), classes), domain_head)


GANIN_NETS: dict[str, Callable[..., AdaptationNet]] = {
    "mnist": mnist_net,
    "svhn": svhn_net,
    "gtsrb": gtsrb_net,
}
