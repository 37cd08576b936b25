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
    cosine                              .393   .772        .677   .907
    PCA-500, whitened                   .277   .780        .443   .881
    and signed power (2, our choice)    .264   .747        .448   .873

Whitening lowers mAP by far here, where the whole class is to be found, and hardly moves recall@1.
The weights are files with the publishers' names; AlexNet's are downloaded if none is given:

    python -m experiments.retrieve --weights alexnet_imagenet_conv1-5.safetensors
    python -m experiments.retrieve --net efficientnet_lite0

Features are extracted once and cached; an interrupted extraction goes on. `contact_sheet.png` in
the run's folder shows queries and their nearest images.
"""

from typing import Any

from experiments.command import run_command
from experiments.data_names import short_name
from experiments.retrieve.config import Config
from experiments.retrieve.figures import contact_sheet
from experiments.retrieve.table import table
from jtransfer.data.loading import load_files
from jtransfer.recipes.features.deep_features import deep_features
from jtransfer.recipes.features.image_search import PLAIN, search
from jtransfer.recipes.features.nets import crop_for
from jtransfer.recipes.features.once import once
from jtransfer.train.runtime import prepare_process


def main(config: Config) -> dict[str, Any]:
    """Extract features, search, print the table and draw the contact sheet."""
    prepare_process()
    files, layer = load_files(config.data, data_root=config.data_root), config.chosen_layer
    print(f"{files.name}: {len(files):,} images of {len(files.classes)} classes")
    features = deep_features(
        config.net,
        files,
        layers=[layer],
        crop=crop_for(config.net, views=config.views),
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
    folder = config.out / name
    sheet = folder / "contact_sheet.png"

    def measure() -> dict[str, Any]:
        found = search(
            features.layers[layer],
            files.labels,
            classes=files.classes,
            queries=config.queries,
            components=config.components,
            power=config.power,
            seed=config.seed,
            present=features.present,
        )
        contact_sheet(config, files, found.queries, found.found[PLAIN], sheet)
        return {
            "measured": found.measured,
            "query_images": len(found.queries),
            "gallery_images": found.found[PLAIN].shape[1],
            "dims": features.layers[layer].shape[1],
        }

    result = once(folder, settings, measure)
    print(
        f"\n{files.name} by {config.net} {layer}, {result['query_images']:,} queries in "
        f"{result['gallery_images']:,} images\n"
    )
    print(table(result))
    print(
        "\nOxford5k, Paris6k, Holidays: mAP of Sharif Razavian et al. 2014 there, for orientation; "
        "the last row with augmentation and spatial search"
    )
    print(f"result: {folder / 'result.json'}\nfigure: {sheet}")
    return result


if __name__ == "__main__":
    run_command(main, Config, __doc__)
