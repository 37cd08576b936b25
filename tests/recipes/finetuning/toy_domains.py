"""A source and a target of three classes whose images are tiny, and a net that tells them apart."""

from functools import partial

import numpy as np

from jtransfer.data import Examples
from jtransfer.nets.classifier import Classifier
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk
from jtransfer.recipes.finetuning.few_labels.options import Options
from jtransfer.recipes.finetuning.few_labels.problem import Problem


def tiny_net(*, classes, hidden=(), dropout=0.0):
    stages = (
        ("conv1", partial(ConvStage, 4, 3, pool=(2, 2))),
        ("conv2", partial(ConvStage, 4, 3, norm=True)),
    )
    return Classifier(Trunk(stages), Head(hidden, classes, dropout=dropout))


def examples(name, count, brightness, classes=("top", "middle", "bottom")):
    """Three classes, told apart by which third of the image is bright."""
    random = np.random.default_rng(brightness)
    labels = np.arange(count) % 3
    images = random.integers(0, 60, (count, 12, 12, 1)) + brightness
    for image, label in zip(images, labels, strict=True):
        image[4 * label : 4 * label + 4] += 100
    return Examples(images.astype(np.uint8), labels, classes, name)


PROBLEM = Problem(
    examples("dark", 48, 0),
    examples("dark test", 30, 1),
    examples("bright", 45, 60),
    examples("bright test", 30, 61),
)
OPTIONS = Options(tiny_net, batch=8, source_batch=8, learning_rates=(0.03, 0.1))
