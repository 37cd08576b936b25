"""Small nets for small images: digits of 20x20 and signs of 32x32."""

from collections.abc import Callable, Sequence
from functools import partial

import flax.linen as nn

from jtransfer.nets.classifier import Classifier
from jtransfer.nets.parts.stages import FullStage
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk

DIGIT_SIZE = 20  # side in pixels of the images of digit_net


def digit_net(*, classes: int, hidden: Sequence[int] = (), dropout: float = 0.0) -> Classifier:
    """conv5x5-16, pool, conv3x3-32, pool, conv3x3-48, fc96 | a head. For 20x20 digits.

    Args:
      classes: number of outputs of the head.
      hidden: widths of the head's hidden layers; none for a linear head.
      dropout: share of the hidden layers' units zeroed while training.
    """
    stages: tuple[tuple[str, Callable[..., nn.Module]], ...] = (
        ("conv1", partial(ConvStage, 16, 5, "SAME", pool=(2, 2))),
        ("conv2", partial(ConvStage, 32, 3, "SAME", pool=(2, 2))),
        ("conv3", partial(ConvStage, 48, 3, "SAME")),
        ("fc4", partial(FullStage, 96)),
    )
    return Classifier(Trunk(stages), Head(tuple(hidden), classes, dropout=dropout))


def sign_net(*, classes: int, norm: bool = False) -> Classifier:
    """Three convolutions with pools, 16, 32 and 48 wide, conv3x3-64, fc128 | linear. For 32x32.

    Args:
      classes: number of outputs of the head.
      norm: whether the convolutions have batch norm.
    """
    stages: tuple[tuple[str, Callable[..., nn.Module]], ...] = (
        ("conv1", partial(ConvStage, 16, 5, "SAME", pool=(2, 2), norm=norm)),
        ("conv2", partial(ConvStage, 32, 3, "SAME", pool=(2, 2), norm=norm)),
        ("conv3", partial(ConvStage, 48, 3, "SAME", pool=(2, 2), norm=norm)),
        ("conv4", partial(ConvStage, 64, 3, "SAME", norm=norm)),
        ("fc5", partial(FullStage, 128)),
    )
    return Classifier(Trunk(stages), Head((), classes))
