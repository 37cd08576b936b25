"""Features of a pretrained net's layers for a set of image files, kept in a cache on disk.

What the experiments on frozen features share: a net by its name, with its weights and its
preprocessing, and one pass over the files that keeps every layer asked for.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from jtransfer.data.examples import DataError
from jtransfer.data.feeds.crops import Crop
from jtransfer.data.feeds.image_batches import image_batches
from jtransfer.data.image_files import ImageFiles
from jtransfer.nets.alexnet import alexnet_2014
from jtransfer.nets.efficientnet_lite import efficientnet_lite
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.weights.pretrained import PRETRAINED, load_pretrained
from jtransfer.transfer.features.extraction import Features, extract

Batches = Iterator[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class DeepNet:
    """A net whose layers are used: how to build it, and whose weights it takes."""

    build: Callable[[], Trunk]
    weights: str  # name in PRETRAINED


NETS: dict[str, DeepNet] = {
    "alexnet_2014": DeepNet(alexnet_2014, "alexnet_2014"),
    # conv1, conv2 and conv5 before their max pool
    "alexnet_2014_unpooled": DeepNet(partial(alexnet_2014, pooled=False), "alexnet_2014"),
    "efficientnet_lite0": DeepNet(partial(efficientnet_lite, 0), "efficientnet_lite0"),
}


def crop_for(net_name: str, *, views: Literal[1, 10] = 1) -> Crop:
    """The crop of the net's own size, from images 32 pixels larger, as is usual for ImageNet."""
    size = PRETRAINED[NETS[net_name].weights].size
    return Crop(resize=size + 32, size=size, views=views)


def short_name(files: ImageFiles) -> str:
    """The data set's name as a part of file names."""
    return files.name.partition(":")[2].replace("/", "_")


def deep_features(
    net_name: str,
    files: ImageFiles,
    crop: Crop,
    layers: Sequence[str],
    *,
    weights_path: Path | None = None,
    cache_folder: Path,
    workers: int = 2,
    batch: int = 64,
    on_unreadable: Literal["stop", "skip"] = "stop",
) -> Features:
    """Features of `layers`, one row a file, from the cache as far as they are there.

    Args:
      net_name: a key of `NETS`.
      files: the images.
      crop: what is cut out of each image; the features of ten views are averaged.
      layers: names of the net's stages.
      weights_path: file of the weights; by default the publisher's, downloaded once.
      cache_folder: where a folder is made for each net, preprocessing, data set and choice of
        layers.
      workers: processes that decode images; 0 decodes in this one.
      batch: images (not views) in a call of the net.
      on_unreadable: "stop" at an image that cannot be read, or "skip" it (see `Features.present`).

    Raises:
      ValueError: if the net or a layer is unknown.
      DataError: if an image cannot be read and `on_unreadable` is "stop".
    """
    if net_name not in NETS:
        raise ValueError(f"no net {net_name!r}; expected one of {', '.join(NETS)}")
    named = NETS[net_name]
    net = named.build()
    unknown = [layer for layer in layers if layer not in net.stage_names]
    if unknown or not layers:
        raise ValueError(f"layers {layers} of {net_name}; expected some of {net.stage_names}")
    until = max(layers, key=net.stage_names.index)
    # The file of the weights need not hold more than the stages that are run.
    blank = jnp.zeros((1, crop.size, crop.size, 3))
    template = jax.eval_shape(partial(net.init, until=until), jax.random.key(0), blank)
    weights = load_pretrained(named.weights, template, path=weights_path)
    about = PRETRAINED[named.weights]
    key = {
        "net": net_name,
        "weights": weights.sha256,
        "preprocessing": f"{crop}, mean {about.mean}, std {about.std}",
        "data": f"{files.name} {files.fingerprint()}",
        "layers": ", ".join(layers),
    }
    folder = cache_folder / f"{net_name}-{files.name.replace(':', '_')}-{_short_hash(key)}"
    watch = Stopwatch()
    forward = jax.jit(partial(_forward, net, tuple(layers), until, about.mean, about.std))

    def batches(start: int) -> Batches:
        print(f"{net_name}: {len(files) - start:,} images to go, cached in {folder}", flush=True)
        decoded = image_batches(
            files, crop, batch=batch, workers=workers, on_unreadable=on_unreadable, start=start
        )
        return watch.batches(decoded, start=start, total=len(files))

    features = extract(
        watch.net(partial(forward, jax.device_put(weights.variables))),
        batches,
        rows=len(files),
        folder=folder,
        key=key,
    )
    if watch.images:
        print(f"{net_name}: {watch.report()}")
    absent = [files.paths[row].name for row in np.flatnonzero(~features.present)]
    if absent and on_unreadable == "stop":
        raise DataError(
            f"{len(absent)} of {len(files):,} images of {files.name} could not be read when their "
            f"features were cached ({', '.join(absent[:5])}{', ...' if absent[5:] else ''}); "
            "replace these files, or leave them out by on_unreadable='skip'"
        )
    return features


def _forward(
    net: Trunk,
    layers: tuple[str, ...],
    until: str,
    mean: Sequence[float],
    std: Sequence[float],
    variables: Any,
    images: jax.Array,
) -> Mapping[str, jax.Array]:
    """The layers' outputs for [batch, size, size, 3] or [batch, views, size, size, 3] uint8."""
    views = images.reshape(-1, *images.shape[-3:]).astype(jnp.float32) / 255
    views = (views - jnp.array(mean)[None, None, None]) / jnp.array(std)[None, None, None]
    outputs: Any = net.apply(variables, views, until=until, taps=layers)
    return {
        layer: maps.reshape(len(images), -1, *maps.shape[1:]).mean(axis=1)
        for layer, maps in outputs[1].items()
    }


def _short_hash(key: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:8]


class Stopwatch:
    """Where the time of an extraction goes; the first batch, when the net compiles, is left out."""

    def __init__(self):
        self.images = 0
        self.seconds = 0.0
        self.waiting = 0.0
        self.in_net = 0.0
        self._warm = False

    def batches(self, batches: Batches, *, start: int, total: int) -> Batches:
        """The same batches, with a progress bar and the time that was waited for them."""
        began = asked = time.perf_counter()
        with tqdm(initial=start, total=total, unit="img", disable=None) as bar:
            for rows, images in batches:
                if self._warm:
                    self.waiting += time.perf_counter() - asked
                    self.images += len(rows)
                yield rows, images
                asked = time.perf_counter()
                if self._warm:
                    self.seconds = asked - began
                else:
                    self._warm, began = True, asked
                bar.update(len(rows))

    def net(self, apply: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The same function, with the time that it takes."""

        def timed(images: Any) -> Any:
            began = time.perf_counter()
            outputs = jax.block_until_ready(apply(images))
            if self._warm:
                self.in_net += time.perf_counter() - began
            return outputs

        return timed

    def report(self) -> str:
        """Images a second with decoding and without, and the seconds behind them."""
        kept = self.seconds - self.waiting - self.in_net
        return (
            f"{self.images / self.seconds:.1f} images/s with decoding, "
            f"{self.images / self.in_net:.1f} images/s in the net alone ({self.waiting:.1f} s "
            f"waiting for images, {self.in_net:.1f} s in the net, {kept:.1f} s writing the cache)"
        )
