"""Two pairs of domains as arrays, on which both libraries are run."""

from dataclasses import dataclass, replace
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from jtransfer.data import images, load
from jtransfer.data.feeds.resident import centred, channel_means
from jtransfer.data.loading import load_files
from jtransfer.recipes.own_folder.frozen_trunk import load_trunk
from jtransfer.recipes.own_folder.pooled_features import pooled_features

LAYER = "block7"  # of EfficientNet-Lite0, averaged over the pixels
SIZE = 128  # side of its images in pixels


@dataclass(frozen=True)
class Arrays:
    """What is learned from, and what judges.

    Attributes:
      source: labelled examples, [n, ...] float32.
      labels: of them, [n] int32.
      target: examples without labels, [m, ...] float32.
      test: examples of the target that judge, [k, ...] float32.
      right: their labels.
      classes: how many there are.
    """

    source: np.ndarray
    labels: np.ndarray
    target: np.ndarray
    test: np.ndarray
    right: np.ndarray
    classes: int


def digits(data_root: Path | None, cache: Path) -> Arrays:
    """USPS to MNIST, 28 x 28, grey ones thrice, centred by the means of their domain.

    Trained on 1,800 and 2,000 images, tested on MNIST's test set (Tzeng et al., CVPR 2017).
    """
    del cache
    loaded = (
        load("npz:usps", "train", size=1800, data_root=data_root),
        load("idx:mnist", "train", size=2000, data_root=data_root),
        load("idx:mnist", "test", data_root=data_root),
    )
    source, target, test = (images.fit(each, size=28, channels=3) for each in loaded)
    of_source, of_target = (centred(channel_means(each.images)) for each in (source, target))
    return Arrays(
        np.array(of_source(jnp.asarray(source.images))),
        source.labels,
        np.array(of_target(jnp.asarray(target.images))),
        np.array(of_target(jnp.asarray(test.images))),
        test.labels,
        len(source.classes),
    )


def photographs(data_root: Path | None, cache: Path) -> Arrays:
    """PACS photo to art_painting: features of a frozen net, of deviation 1 in the source.

    Half of the paintings are adapted to, the other half judge.
    """
    trunk = load_trunk("efficientnet_lite0")
    trunk, rows = replace(trunk, preprocessing=trunk.preprocessing.at(SIZE)), []
    for name in ("photo", "art_painting"):
        files = load_files(f"folder:PACS/{name}", data_root=data_root)
        found = pooled_features(trunk, files, cache_folder=cache, layers=(LAYER,))
        order = np.random.default_rng(0).permutation(len(files))
        rows.append((np.array(found.layers[LAYER])[order], files.labels[order]))
    (source, labels), (target, right) = rows
    mean, deviation = source.mean(axis=0), source.std(axis=0) + 1e-6
    source, target = (source - mean) / deviation, (target - mean) / deviation
    half = len(target) // 2
    classes = int(labels.max()) + 1
    return Arrays(source, labels, target[:half], target[half:], right[half:], classes)


TASKS = {"USPS → MNIST": digits, "photo → art_painting, features": photographs}
