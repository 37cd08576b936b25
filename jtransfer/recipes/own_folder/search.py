"""The images of a folder that are nearest to a query, by the features of a trunk."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import jax
import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.feeds.image_batches import image_batches
from jtransfer.data.image_files import ImageFiles
from jtransfer.data.sources.decoding import read_rgb
from jtransfer.files.reading import is_there
from jtransfer.files.writing import writing
from jtransfer.nets.weights.download import cache_folder as default_cache_folder
from jtransfer.recipes.own_folder.frozen_trunk import FrozenTrunk
from jtransfer.recipes.own_folder.intake import image_paths
from jtransfer.recipes.own_folder.pooled_features import OnUnreadable, pooled_features
from jtransfer.train.evaluation import map_batches
from jtransfer.transfer.features.retrieval import nearest

# In pixels, of the contact sheet.
_CELL, _GAP = 160, 12
_STEP = _CELL + _GAP


@dataclass(frozen=True, eq=False)
class Found:
    """What a search found.

    Attributes:
      queries: [q] files that were asked with.
      paths: for each query the files that are nearest, nearest first.
      cosines: [q, k] between the features of a query and these.
    """

    queries: tuple[Path, ...]
    paths: tuple[tuple[Path, ...], ...]
    cosines: np.ndarray


def search_folder(
    trunk: FrozenTrunk,
    folder: Path | str,
    queries: Sequence[Path | str],
    *,
    layer: str | None = None,
    count: int = 10,
    on_unreadable: OnUnreadable = "stop",
    workers: int = 2,
    cache_folder: Path | str | None = None,
) -> Found:
    """Find the images of a folder that are nearest to others; its features are taken once and kept.

    Args:
      trunk: whose features are compared, such as a model's or `load_trunk(name)`.
      folder: of any images, with folders below or without.
      queries: image files; one that lies in the folder finds the others.
      layer: of the trunk; by default the last one.
      count: images to find for each query.
      on_unreadable: "stop" at an image of the folder that cannot be read, or "skip" it.
      workers: processes that decode images; 0 decodes in this one.
      cache_folder: for features, as in `fit`.

    Raises:
      DataError: if there is no image, or one cannot be read.
      ValueError: if the count is below 1.
    """
    if count < 1:
        raise ValueError(f"a count of {count}; expected at least 1 image to find")
    layer = layer or trunk.net.stage_names[-1]
    there, asking = (_listed(image_paths(each)) for each in ([folder], queries))
    cache = Path(cache_folder) if cache_folder else default_cache_folder() / "features"
    features = pooled_features(
        trunk,
        there,
        cache_folder=cache.expanduser(),
        layers=(layer,),
        workers=workers,
        on_unreadable=on_unreadable,
    )
    rows = np.flatnonzero(features.present)
    pixels = np.concatenate([images for _, images in image_batches(asking, trunk.crop)])
    forward = jax.jit(partial(trunk, trunk.variables, layers=(layer,)))
    asked = map_batches(forward, pixels, batch=8)[layer]
    gallery = features.layers[layer][rows]
    # One more, since a query may find itself.
    found, cosines = nearest(asked, gallery, min(count + 1, len(rows)))
    own = [path.resolve() for path in asking.paths]
    kept = [
        [k for k, row in enumerate(places) if there.paths[rows[row]].resolve() != query][:count]
        for places, query in zip(found.tolist(), own, strict=True)
    ]
    most = min(map(len, kept))
    return Found(
        asking.paths,
        tuple(
            tuple(there.paths[rows[places[k]]] for k in columns[:most])
            for places, columns in zip(found.tolist(), kept, strict=True)
        ),
        np.stack([row[columns[:most]] for row, columns in zip(cosines, kept, strict=True)]),
    )


def write_contact_sheet(found: Found, path: Path | str) -> None:
    """Draw a row for each query: the query, a gap, and what was found, nearest first.

    Args:
      found: by `search_folder`.
      path: of the PNG, which must not be there.

    Raises:
      DataError: if it is there, or one of the images cannot be read.
    """
    from PIL import Image, ImageOps

    path = Path(path)
    if is_there(path):
        raise DataError(f"{path} is there already; expected a new file. Choose another name")
    columns = found.cosines.shape[1] + 1
    size = (_STEP * columns + 2 * _GAP, _STEP * len(found.queries) + _GAP)
    sheet = Image.new("RGB", size, "white")
    for row, (query, others) in enumerate(zip(found.queries, found.paths, strict=True)):
        for column, file in enumerate((query, *others)):
            small = ImageOps.contain(read_rgb(file), (_CELL, _CELL))
            left = _GAP + column * _STEP + bool(column) * _GAP + (_CELL - small.width) // 2
            sheet.paste(small, (left, _GAP + row * _STEP + (_CELL - small.height) // 2))
    with writing(path) as stream:
        sheet.save(stream, "PNG")


def _listed(paths: Sequence[Path]) -> ImageFiles:
    return ImageFiles(tuple(paths), np.zeros(len(paths), int), ("image",), "images")
