"""Image retrieval by the features of a pretrained net: which images are nearest to a query?

Follows Sharif Razavian et al. (CVPR workshops 2014, "CNN features off-the-shelf"): cosines between
the features as they are, and after PCA-whitening and a signed power. For orientation their mean
average precisions, of 4,096 features of OverFeat on other data sets:

    representation                              Oxford5k  Paris6k  Holidays
    length 1                                        .322     .495      .642
    PCA-500, whitened, signed power,                .680     .795      .843
      with augmentation and spatial search

Here the queries are five images of every class, the gallery is all others, and an image is right
if it is of the query's class. mAP and recall@1 on Caltech-101 (505 queries, 5,470 images, seed 0):

    representation                     AlexNet conv5    EfficientNet-Lite0 top
    cosine                              .393   .772        .680   .907
    PCA-500, whitened                   .277   .780        .446   .889
    and signed power (2, our choice)    .264   .747        .453   .873

Whitening lowers mAP by far here, where the whole class is to be found, and hardly moves recall@1.
The weights are files with the publishers' names; AlexNet's are downloaded if none is given:

    python -m experiments.retrieve --weights alexnet_imagenet_conv1-5.safetensors
    python -m experiments.retrieve --net efficientnet_lite0 --weights efficientnet_lite0.safetensors

Features are extracted once and cached; an interrupted extraction goes on. `contact_sheet.png` in
the run's folder shows queries and their nearest images.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np

from experiments.command import run_command
from experiments.deep_features import crop_for, deep_features, short_name
from experiments.published import RETRIEVAL
from jtransfer.data.feeds.image_batches import image_batches
from jtransfer.data.image_files import ImageFiles
from jtransfer.data.loading import load_files
from jtransfer.data.splits import per_class_split
from jtransfer.measure import console_table
from jtransfer.measure.contact_sheet import contact_sheet_figure
from jtransfer.measure.ranking import mean_average_precision, recall_at_k
from jtransfer.train.evaluation import map_batches
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.runtime import prepare_process
from jtransfer.transfer.features.retrieval import (
    fit_whitening,
    l2_normalised,
    nearest,
    signed_power,
    whiten,
)

LAYER = {"alexnet_2014": "conv5", "efficientnet_lite0": "top"}  # used unless another one is named
RECALLS = (1, 5, 10)
PLAIN, WHITENED, POWERED = "cosine", "PCA-whitened", "and signed power"


@dataclass(frozen=True)
class Config:
    """Settings of a run."""

    data: str = "folder:caltech101"  # one folder a class, below the data root
    net: Literal["alexnet_2014", "efficientnet_lite0"] = "alexnet_2014"  # trained on ImageNet
    layer: str | None = None  # whose features are used; by default conv5 of AlexNet, top of Lite0
    weights: Path | None = None  # file of the net's weights; AlexNet's are downloaded by default
    queries: int = 5  # images of every class that are queries; all others are the gallery
    seed: int = 0  # of the choice of the queries
    components: int = 500  # of the PCA, fitted to the gallery
    power: float = 2.0  # of the signed power
    views: Literal[1, 10] = 1  # centre crop, or the mean of ten crops' features
    sheet_rows: int = 12  # queries on the contact sheet, evenly spread over the classes
    sheet_columns: int = 8  # nearest images of each
    batch: int = 64  # images in a call of the net
    workers: int = 2  # processes that decode images; 0 decodes in the main one
    on_unreadable: Literal["stop", "skip"] = "stop"  # at an image that cannot be read
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    cache: Path = Path("checkpoints/features")  # extracted features
    out: Path = Path("checkpoints/retrieve")  # one folder a run

    @property
    def chosen_layer(self) -> str:
        """The layer whose features are used."""
        return self.layer or LAYER[self.net]


def representations(
    gallery: np.ndarray, *, components: int, power: float
) -> dict[str, Callable[[jax.Array], jax.Array]]:
    """How a batch of features [n, dims] is prepared, by name; fitted to the gallery."""
    began = time.perf_counter()
    whitening = fit_whitening(map_batches(jax.jit(l2_normalised), gallery), components)
    print(
        f"PCA to {components} components with {float(whitening.share):.1%} of the variance, "
        f"fitted in {time.perf_counter() - began:.1f} s"
    )

    def whitened(features: jax.Array) -> jax.Array:
        return l2_normalised(whiten(whitening, l2_normalised(features)))

    def powered(features: jax.Array) -> jax.Array:
        return signed_power(whitened(features), power)

    return {PLAIN: l2_normalised, WHITENED: jax.jit(whitened), POWERED: jax.jit(powered)}


def judge(ranking: np.ndarray, queries: np.ndarray, gallery: np.ndarray) -> dict[str, float]:
    """Mean average precision and recall of a ranking, from the labels."""
    recalls = {
        f"recall@{k}": recall_at_k(ranking, queries, gallery, k)
        for k in RECALLS
        if k <= len(gallery)
    }
    return {"mAP": mean_average_precision(ranking, queries, gallery), **recalls}


def run(
    config: Config,
    features: np.ndarray,
    files: ImageFiles,
    queries: np.ndarray,
    gallery: np.ndarray,
    sheet: Path,
) -> dict[str, Any]:
    """Search by every representation; `queries` and `gallery` are rows of the features."""
    asked, there = features[queries], features[gallery]
    measured = {}
    functions = representations(there, components=config.components, power=config.power)
    for name, prepare in functions.items():
        began = time.perf_counter()
        ranking, _ = nearest(map_batches(prepare, asked), map_batches(prepare, there), k=len(there))
        seconds = time.perf_counter() - began
        measured[name] = judge(ranking, files.labels[queries], files.labels[gallery])
        print(f"{name}: {len(queries):,} queries searched in {seconds:.1f} s", flush=True)
        if name == PLAIN:
            contact_sheet(config, files, queries, gallery[ranking], sheet)
    return {
        "measured": measured,
        "query_images": len(queries),
        "gallery_images": len(gallery),
        "dims": features.shape[1],
    }


def contact_sheet(
    config: Config, files: ImageFiles, queries: np.ndarray, ranked: np.ndarray, path: Path
) -> None:
    """Draw evenly spread queries and their nearest images.

    Args:
      config: the run's settings.
      files: the images.
      queries: positions of the queries in `files`, [q].
      ranked: positions of what was found for each, nearest first, [q, k].
      path: the PNG to write.
    """
    chosen = np.linspace(0, len(queries) - 1, min(config.sheet_rows, len(queries))).astype(int)
    shown = np.concatenate([queries[chosen, None], ranked[chosen, : config.sheet_columns]], axis=1)
    crop = crop_for(config.net)
    batches = image_batches(files.take(shown.ravel()), crop, workers=0)
    images = np.concatenate([images for _, images in batches])
    images = images.reshape(*shown.shape, *images.shape[1:])
    labels = files.labels[shown]
    contact_sheet_figure(
        (images[:, 0], labels[:, 0]),
        (images[:, 1:], labels[:, 1:]),
        path,
        classes=files.classes,
        title=f"{files.name}: nearest by {config.net} {config.chosen_layer}, cosine",
    )


def table(result: dict[str, Any]) -> str:
    """A row for every representation, beside the paper's."""
    columns = list(result["measured"][PLAIN])
    places = list(RETRIEVAL[PLAIN])
    rows = [
        [
            name,
            *(f"{measured[column]:.4f}" for column in columns),
            *(f"{RETRIEVAL[name][place]:.3f}" if name in RETRIEVAL else "" for place in places),
        ]
        for name, measured in result["measured"].items()
    ]
    return console_table(["representation", *columns, *places], rows)


def main(config: Config) -> dict[str, Any]:
    """Extract features, search, print the table and draw the contact sheet."""
    prepare_process()
    files, layer = load_files(config.data, data_root=config.data_root), config.chosen_layer
    print(f"{files.name}: {len(files):,} images of {len(files.classes)} classes")
    features = deep_features(
        config.net,
        files,
        crop_for(config.net, views=config.views),
        [layer],
        weights_path=config.weights,
        cache_folder=config.cache,
        workers=config.workers,
        batch=config.batch,
        on_unreadable=config.on_unreadable,
    )
    shared = ("net", "queries", "seed", "components", "power", "views")
    settings = {
        "experiment": "retrieve",
        **{key: getattr(config, key) for key in shared},
        "layer": layer,
        "features": dict(features.key),
    }
    name = f"{short_name(files)}-{config.net}-{layer}"
    name += f"-views{config.views}-pca{config.components}-power{config.power:g}"
    name += f"-queries{config.queries}-seed{config.seed}"
    folder = RunFolder(config.out / name, settings)
    sheet = folder.path / "contact_sheet.png"
    result = folder.result()
    if result is None:
        present = np.flatnonzero(features.present)
        queries, gallery = (
            present[part]
            for part in per_class_split(
                files.labels[present],
                train=config.queries,
                seed=config.seed,
                classes=files.classes,
            )
        )
        result = folder.write_result(
            {**settings, **run(config, features.layers[layer], files, queries, gallery, sheet)}
        )
    else:
        print(f"{name}: finished before")
    print(
        f"\n{files.name} by {config.net} {layer}, {result['query_images']:,} queries in "
        f"{result['gallery_images']:,} images\n"
    )
    print(table(result))
    print(
        "\nOxford5k, Paris6k, Holidays: mAP of Sharif Razavian et al. 2014 there, for orientation; "
        "the last row with augmentation and spatial search"
    )
    print(f"result: {folder.path / 'result.json'}\nfigure: {sheet}")
    return result


if __name__ == "__main__":
    run_command(main, Config, __doc__)
