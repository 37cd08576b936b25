"""Five classes of tiny images, and a net that tells them apart."""

from functools import partial

import numpy as np

from jtransfer.data import Examples
from jtransfer.nets.classifier import Classifier
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk
from jtransfer.recipes.finetuning.layers.halves import Halved


def tiny_net(*, classes):
    stages = (
        ("conv1", partial(ConvStage, 4, 3, pool=(2, 2))),
        ("conv2", partial(ConvStage, 4, 3)),
    )
    return Classifier(Trunk(stages), Head((), classes))


def examples(name, count):
    """Five classes, told apart by which fifth of the image is bright."""
    random = np.random.default_rng(count)
    labels = np.arange(count) % 5
    images = random.integers(0, 60, (count, 10, 10, 1))
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 2] += 150
    return Examples(images.astype(np.uint8), labels, tuple("abcde"), name)


PROBLEM = Halved(examples("stripes", 60), examples("stripes test", 40))
