"""Image files as a net with published weights takes them, and a split of them to train and test."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.feeds.crops import Crop
from jtransfer.data.feeds.image_batches import image_batches
from jtransfer.data.feeds.unreadable import OnUnreadable
from jtransfer.data.image_files import ImageFiles
from jtransfer.measure import mean_per_class_accuracy
from jtransfer.nets.classifier import Classifier
from jtransfer.nets.parts.trunk import Head
from jtransfer.recipes.finetuning.images.nets import TunedNet
from jtransfer.recipes.finetuning.tuning import Tuning
from jtransfer.train.evaluation import map_batches
from jtransfer.transfer.finetuning.layers import TRUNK


@dataclass(frozen=True)
class Decoded:
    """All images of a set, with their features by the net as it was published.

    Attributes:
      net: how it is built and fine-tuned.
      side: of its images in pixels.
      pixels: uint8 images of all files, an eighth larger than the net's.
      labels: of all files.
      classes: how many there are.
      variables: {"trunk": ...} below every collection: the published weights.
      came_from: fingerprints of the images and of the weights' file.
      features: of all files by the trunk, [n, dims].
    """

    net: TunedNet
    side: int
    pixels: np.ndarray
    labels: np.ndarray
    classes: int
    variables: dict[str, Any]
    came_from: dict[str, str]
    features: np.ndarray

    @classmethod
    def read(
        cls,
        files: ImageFiles,
        net: TunedNet,
        side: int,
        *,
        weights: Path | None = None,
        workers: int = 2,
        on_unreadable: OnUnreadable = "stop",
    ) -> "Decoded":
        """Decode all images and compute their features.

        Args:
          files: the images, each with its class.
          net: to be fine-tuned.
          side: of the images in pixels.
          weights: file of the net's weights; by default downloaded once.
          workers: processes that decode images; 0 decodes in this one.
          on_unreadable: "stop" at an image that cannot be read, or "skip" it: then the positions of
            what was read count.

        Raises:
          DataError: if an image cannot be read.
          WeightsError: if the weights cannot be read, or are another net's.
        """
        variables, sha256 = net.published(side, weights)
        crop = Crop(resize=side * 9 // 8, size=side * 9 // 8)
        batches = [
            *image_batches(files, crop, batch=256, workers=workers, on_unreadable=on_unreadable)
        ]
        if not batches:
            raise DataError(
                f"none of the {len(files):,} images of {files.name} can be read; expected images. "
                "Replace the files"
            )
        rows, images = (np.concatenate(each) for each in zip(*batches, strict=True))
        files, pixels = files.take(rows), images
        trunk = net.trunk()

        @jax.jit
        def extract(images: jax.Array) -> jax.Array:
            of_trunk = {name: tree[TRUNK] for name, tree in variables.items()}
            maps: Any = trunk.apply(of_trunk, net.normalised(centre(images, side)))
            return maps.reshape(len(images), -1)

        features = map_batches(extract, pixels, batch=64)
        came_from = {"fingerprint": files.fingerprint(), "weights": sha256}
        classes = len(files.classes)
        return cls(net, side, pixels, files.labels, classes, variables, came_from, features)

    def split(self, train: np.ndarray, test: np.ndarray) -> "ImageTask":
        """The task of training on some of the files, at these positions, and testing on others."""
        scale = float(np.linalg.norm(self.features[train].astype(np.float32), axis=1).mean())
        return ImageTask(self, train, test, self.features / scale, scale)


@dataclass(frozen=True)
class ImageTask:
    """A split of the images.

    Attributes:
      decoded: the images.
      train: positions of the training images.
      test: positions of the test images.
      features: of all files by the published trunk, of mean length 1.
      scale: mean length of the features as they come.
    """

    decoded: Decoded
    train: np.ndarray
    test: np.ndarray
    features: np.ndarray
    scale: float

    @property
    def train_labels(self) -> np.ndarray:
        """Of the training images."""
        return self.decoded.labels[self.train]

    def net(self, tuning: Tuning) -> Classifier:
        """The trunk with a tuning's head."""
        head = Head(tuning.hidden, self.decoded.classes, dropout=tuning.dropout)
        return Classifier(self.decoded.net.trunk(), head)

    def judge(self, guesses: np.ndarray) -> float:
        """Mean accuracy per class of what is guessed for the test images."""
        return mean_per_class_accuracy(
            guesses, self.decoded.labels[self.test], self.decoded.classes
        )


def centre(images: jax.Array, size: int) -> jax.Array:
    """The middle of each image."""
    top, left = ((side - size) // 2 for side in images.shape[1:3])
    return images[:, top : top + size, left : left + size]
