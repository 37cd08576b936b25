"""Features of a pretrained net's layers for a set of image files, kept in a cache on disk."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.feeds.crops import Crop
from jtransfer.data.feeds.image_batches import image_batches
from jtransfer.data.image_files import ImageFiles
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.weights.preprocessing import Preprocessing
from jtransfer.nets.weights.pretrained import load_pretrained
from jtransfer.recipes.features.nets import crop_for, deep_net
from jtransfer.recipes.features.stopwatch import Stopwatch
from jtransfer.transfer.features.extraction import Features, extract
from jtransfer.transfer.features.extraction_pass import Batches
from jtransfer.transfer.features.local_devices import over_local_devices

Maps = Literal["whole", "mean"]


def deep_features(
    net_name: str,
    files: ImageFiles,
    *,
    layers: Sequence[str] | None = None,
    maps: Maps = "whole",
    crop: Crop | None = None,
    weights_path: Path | None = None,
    cache_folder: Path = Path("checkpoints/features"),
    workers: int = 2,
    batch: int = 64,
    on_unreadable: Literal["stop", "skip"] = "stop",
) -> Features:
    """Features of a net's layers, one row a file, from the cache as far as they are there.

    Where a transformer's layer gives tokens, the class token is taken, as its own features are.

    Whatever they depend on, from the weights' bytes to those of the images, is in the cache's key:
    where it differs, they are extracted into a folder of their own.

    Args:
      net_name: a key of `NETS`.
      files: the images.
      layers: names of the net's stages; by default all of them.
      maps: "whole", every pixel's numbers as they come, or "mean", averaged over the pixels, which
        are hundreds of times fewer.
      crop: what is cut out of each image; the features of ten views are averaged. By default the
        net's own, `crop_for`.
      weights_path: file of the weights; by default the publisher's, downloaded once.
      cache_folder: where a folder is made for each net, preprocessing, data set and choice of
        layers.
      workers: processes that decode images; 0 decodes in this one.
      batch: images (not views) in a call of the net.
      on_unreadable: "stop" at an image that cannot be read, or "skip" it (see `Features.present`).

    Returns:
      For each layer [files, dims] float32, memory-mapped.

    Raises:
      ValueError: if the net or a layer is unknown.
      DataError: if an image cannot be read and `on_unreadable` is "stop".
      WeightsError: if the weights cannot be read, as `load_pretrained`.
      FeatureCacheError: if the cache cannot be used, as `extract`.
    """
    named = deep_net(net_name)
    net, preprocessing = named.build(), named.published.preprocessing
    crop = crop_for(net_name) if crop is None else crop
    layers = net.stage_names if layers is None else layers
    unknown = [layer for layer in layers if layer not in net.stage_names]
    if unknown or not layers:
        raise ValueError(f"layers {layers} of {net_name}; expected some of {net.stage_names}")
    until = max(layers, key=net.stage_names.index)
    # The file of the weights need not hold more than the stages that are run.
    blank = jnp.zeros((1, crop.size, crop.size, 3))
    template = jax.eval_shape(partial(net.init, until=until), jax.random.key(0), blank)
    weights = load_pretrained(named.weights, template, path=weights_path)
    key = {
        "net": net_name,
        "weights": weights.sha256,
        "preprocessing": f"{crop}, mean {preprocessing.mean}, std {preprocessing.std}",
        "data": f"{files.name} {files.fingerprint()}",
        "layers": ", ".join(layers),
        # Not there where they are whole, as the caches of earlier versions have it.
        **({"maps": "averaged over the pixels"} if maps == "mean" else {}),
    }
    folder = cache_folder / f"{net_name}-{files.name.replace(':', '_')}-{_short_hash(key)}"
    watch = Stopwatch()
    forward = partial(_forward, net, tuple(layers), until, maps, preprocessing)

    def batches(start: int, stop: int) -> Batches:
        print(f"{net_name}: {stop - start:,} images to go, cached in {folder}", flush=True)
        decoded = image_batches(
            files,
            crop,
            batch=batch,
            workers=workers,
            on_unreadable=on_unreadable,
            start=start,
            stop=stop,
        )
        return watch.batches(decoded, start=start, total=stop)

    features = extract(
        watch.net(over_local_devices(forward, weights.variables)),
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
    maps: Maps,
    preprocessing: Preprocessing,
    variables: Any,
    images: jax.Array,
) -> Mapping[str, jax.Array]:
    """The layers' outputs for [batch, size, size, 3] or [batch, views, size, size, 3] uint8."""
    views = preprocessing.normalise(images.reshape(-1, *images.shape[-3:]))
    outputs: Any = net.apply(variables, views, until=until, taps=layers)
    return {
        layer: each.reshape(len(images), -1, *each.shape[1:]).mean(axis=1)
        for layer, tapped in outputs[1].items()
        for each in [_numbers(tapped, maps)]
    }


def _numbers(tapped: jax.Array, maps: Maps) -> jax.Array:
    """What is taken of a layer's outputs for each view."""
    if tapped.ndim == 3:
        return tapped[:, 0]  # [views, tokens, width]
    return tapped.mean(axis=(1, 2)) if maps == "mean" and tapped.ndim == 4 else tapped


def _short_hash(key: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:8]
