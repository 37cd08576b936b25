"""The small net of the experiments on digits and its data at one size."""

from collections.abc import Sequence
from functools import partial

from jtransfer.nets.classifier import Classifier
from jtransfer.nets.stages import FullStage
from jtransfer.nets.trunk import ConvStage, Head, Trunk

SIZE = 20  # side of the images in pixels


def digit_net(*, classes: int, hidden: Sequence[int] = (), dropout: float = 0.0) -> Classifier:
    """conv5x5-16, pool, conv3x3-32, pool, conv3x3-48, fc96 | a head. For 20x20x1.

    Args:
      classes: number of outputs of the head.
      hidden: widths of the head's hidden layers; none for a linear head.
      dropout: share of the hidden layers' units zeroed while training.
    """
    stages = (
        ("conv1", partial(ConvStage, 16, 5, "SAME", pool=(2, 2))),
        ("conv2", partial(ConvStage, 32, 3, "SAME", pool=(2, 2))),
        ("conv3", partial(ConvStage, 48, 3, "SAME")),
        ("fc4", partial(FullStage, 96)),
    )
    return Classifier(Trunk(stages), Head(tuple(hidden), classes, dropout=dropout))
