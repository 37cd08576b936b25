"""A model of a folder's classes: a trunk, a probe of one of its layers, and what it is worth."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.feeds.image_batches import image_batches
from jtransfer.data.feeds.workers import worth_starting
from jtransfer.data.image_files import ImageFiles
from jtransfer.recipes.own_folder.frozen_trunk import FrozenTrunk
from jtransfer.train.evaluation import filled_up
from jtransfer.transfer.features.probe import LinearProbe
from jtransfer.transfer.features.retrieval import l2_normalised, nearest

_BATCH = 32


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model says of images.

    Attributes:
      classes: names of all classes.
      probabilities: [n, classes] float32.
      threshold: the probability of a guess from which on it is sure.
      features: [n, channels] float32 that the probe read, of length 1 if the model has them so.
    """

    classes: tuple[str, ...]
    probabilities: np.ndarray
    threshold: float
    features: np.ndarray

    def __len__(self) -> int:
        """Number of images."""
        return len(self.probabilities)

    @property
    def labels(self) -> np.ndarray:
        """Position of the likeliest class, [n]."""
        return self.probabilities.argmax(axis=1)

    @property
    def names(self) -> list[str]:
        """Name of the likeliest class of each image."""
        return [self.classes[label] for label in self.labels.tolist()]

    @property
    def confidence(self) -> np.ndarray:
        """Probability of the likeliest class, [n]."""
        return self.probabilities.max(axis=1)

    @property
    def second(self) -> list[str]:
        """Name of the second likeliest class of each image."""
        places = np.argsort(-self.probabilities, axis=1, kind="stable")[:, 1]
        return [self.classes[place] for place in places.tolist()]

    @property
    def unsure(self) -> np.ndarray:
        """Whether the guess had better be "I don't know", [n] bool."""
        return self.confidence < self.threshold


@dataclass(frozen=True, eq=False)
class KeptFeatures:
    """Features of the images that a model was fitted to, kept to explain what it says.

    Attributes:
      names: of the files, relative to their folder.
      features: [n, channels] float16, as the probe read them.
    """

    names: tuple[str, ...]
    features: np.ndarray


@dataclass(frozen=True, eq=False)
class Model:
    """A net that tells the classes of somebody's folder; needs neither the folder nor a network.

    Attributes:
      classes: their names.
      trunk: the net, with its weights and its preprocessing.
      layer: of the trunk that the probe reads, averaged over the pixels.
      unit_length: whether the probe reads it divided by its length.
      probe: scores of the classes.
      temperature: that the scores are divided by.
      threshold: the probability of a guess from which on it is sure; above 1, none is.
      about: everything else there is to say, as in `model.json`: estimate, what was tried and why
        this was chosen, what data, what versions.
      kept: features of the images that it was fitted to, or None.
    """

    classes: tuple[str, ...]
    trunk: FrozenTrunk
    layer: str
    unit_length: bool
    probe: LinearProbe
    temperature: float
    threshold: float
    about: Mapping[str, Any] = field(default_factory=dict)
    kept: KeptFeatures | None = None

    @property
    def arrays(self) -> dict[str, Any]:
        """All weights: of the trunk as far as it is run, and of the probe."""
        return {
            "trunk": self.trunk.until(self.layer).variables,
            "probe": {"weights": self.probe.weights, "bias": self.probe.bias},
        }

    def apply(self, arrays: Mapping[str, Any], pixels: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The model as a pure function.

        Args:
          arrays: as `arrays`.
          pixels: [batch, size, size, 3] uint8, cut by `trunk.crop`.

        Returns:
          Probabilities [batch, classes] and the features [batch, channels] that they are from.
        """
        features = self.trunk(arrays["trunk"], pixels, (self.layer,))[self.layer]
        if self.unit_length:
            features = l2_normalised(features)
        probe = LinearProbe(**arrays["probe"], excess=jnp.zeros(()))
        return jax.nn.softmax(probe.decision(features) / self.temperature), features

    @cached_property
    def _compiled(self) -> Any:
        return jax.jit(self.apply), jax.device_put(self.arrays)

    def predict(self, images: np.ndarray | Sequence[Path | str]) -> Predictions:
        """Tell the classes of images.

        Args:
          images: [n, height, width, 3] uint8 of any size, or paths of image files.

        Raises:
          DataError: if a file cannot be read.
          ValueError: if they are no such images, or there is none.
        """
        if len(images) == 0:
            raise ValueError("there is no image; expected at least one")
        if not isinstance(images, np.ndarray):
            paths = [Path(each) for each in images]
            parts = [said for _, said in self.predict_files(paths)]
            return _joined(parts)
        if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
            raise ValueError(
                f"images {images.dtype} of shape {images.shape}; expected uint8 "
                "[n, height, width, 3], red, green and blue from 0 to 255. Stack them so, or give "
                "paths of image files"
            )
        from PIL import Image

        crop = self.trunk.crop
        cut = (
            np.stack([crop(Image.fromarray(each)) for each in images[start : start + _BATCH]])
            for start in range(0, len(images), _BATCH)
        )
        return _joined([self._predict_cut(each) for each in cut])

    def predict_files(
        self,
        paths: Sequence[Path],
        *,
        batch: int = _BATCH,
        workers: int = 0,
        on_unreadable: Literal["stop", "skip"] = "stop",
    ) -> Iterator[tuple[np.ndarray, Predictions]]:
        """Tell the classes of image files, a batch after the other as they are read.

        Args:
          paths: of the files.
          batch: images at a time.
          workers: processes that decode them; 0 decodes in this one.
          on_unreadable: "stop" at a file that cannot be read, or "skip" it.

        Yields:
          Positions [b] in `paths` of the files that were read, and what the model says of them.

        Raises:
          DataError: if a file cannot be read and `on_unreadable` is "stop".
        """
        files = ImageFiles(tuple(paths), np.zeros(len(paths), int), ("?",), "images")
        crop = self.trunk.crop
        for rows, pixels in image_batches(
            files,
            crop,
            batch=batch,
            workers=worth_starting(files.paths, workers),
            on_unreadable=on_unreadable,
        ):
            yield rows, self._predict_cut(pixels, batch)

    def explain(self, said: Predictions, count: int = 3) -> list[list[tuple[str, float]]]:
        """For each image the nearest of those that the model was fitted to: names and cosines.

        Raises:
          DataError: if the model did not keep their features.
        """
        if self.kept is None:
            raise DataError(
                "the model kept no features of its images; expected some to explain by. Fit it "
                "again with keep_features=True"
            )
        count = min(count, len(self.kept.names))
        places, cosines = nearest(said.features, self.kept.features, count)
        return [
            [(self.kept.names[place], float(cosine)) for place, cosine in zip(*row, strict=True)]
            for row in zip(places.tolist(), cosines.tolist(), strict=True)
        ]

    def _predict_cut(self, pixels: np.ndarray, batch: int = _BATCH) -> Predictions:
        apply, arrays = self._compiled
        # One shape is compiled: what is missing is filled up by the last image.
        probabilities, features = jax.device_get(apply(arrays, filled_up(pixels, batch)))
        count = len(pixels)
        return Predictions(self.classes, probabilities[:count], self.threshold, features[:count])


def _joined(parts: Sequence[Predictions]) -> Predictions:
    return Predictions(
        parts[0].classes,
        np.concatenate([each.probabilities for each in parts]),
        parts[0].threshold,
        np.concatenate([each.features for each in parts]),
    )
