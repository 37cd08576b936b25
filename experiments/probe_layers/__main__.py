"""A linear classifier on every layer of a pretrained net: how general are its features?

Reproduces Table 7 of Zeiler & Fergus ("Visualizing and understanding convolutional networks", ECCV
2014), mean accuracy per class in percent; their net is a ZFNet, the one at hand AlexNet-2014:

    head (layer)   Caltech-101, 30 a class   Caltech-256, 60 a class
    SVM (1)              44.8 ± 0.7                24.6 ± 0.4
    SVM (2)              66.2 ± 0.5                39.6 ± 0.3
    SVM (3)              72.3 ± 0.4                46.0 ± 0.3
    SVM (4)              76.6 ± 0.4                51.3 ± 0.1
    SVM (5)              86.2 ± 0.8                65.6 ± 0.3
    SVM (7)              85.5 ± 0.4                71.7 ± 0.2
    Softmax (5)          82.9 ± 0.4                65.7 ± 0.5
    Softmax (7)          85.4 ± 0.4                72.6 ± 0.1

Caltech-101, 30 images a class to train, up to 50 to test, five folds (measured numbers and times:
BENCHMARKS.md):

    python -m experiments.probe_layers
    python -m experiments.probe_layers --net efficientnet_lite0

The maps of AlexNet's layers are taken whole, as in the paper; those of other nets, which would be
up to a million numbers an image, averaged over their pixels (`--maps whole` for all of them).

Features are extracted once and cached, C is chosen by cross-validation inside each training set. A
finished cell (layer, classifier, scaling) is not run again.
"""

from typing import Any

from experiments.command import run_command
from experiments.data_names import short_name
from experiments.probe_layers.config import Config, Head
from experiments.probe_layers.figures import figure
from experiments.probe_layers.table import table
from jtransfer.data.image_files import ImageFiles
from jtransfer.data.loading import load_files
from jtransfer.recipes.features.deep_features import deep_features
from jtransfer.recipes.features.layer_probe import probe_layer
from jtransfer.recipes.features.nets import crop_for, deep_net
from jtransfer.recipes.features.once import once
from jtransfer.train.counted import counted
from jtransfer.train.runtime import prepare_process
from jtransfer.transfer.features.extraction import Features


def run_cell(
    config: Config, features: Features, files: ImageFiles, head: Head, layer: str
) -> dict[str, Any]:
    """All folds of one classifier on one layer, or what an earlier call measured."""
    shared = ("net", "scaling", "train", "test_at_most", "folds", "inner_folds", "views")
    settings = {
        "experiment": "probe_layers",
        **{key: getattr(config, key) for key in shared},
        "penalties": list(config.penalties),
        "data": files.name,
        "head": head,
        "layer": layer,
        "maps": config.taken,
        "features": dict(features.key),
    }
    values = features.layers[layer]
    name = f"{short_name(files)}-{config.net}-{layer}-{head}-{config.scaling}-views{config.views}"
    name += f"-train{config.train}-folds{config.folds}"
    if config.taken == "mean":
        name += "-means"

    def measure() -> dict[str, Any]:
        print(f"{name}: {values.shape[1]:,} features an image")
        return probe_layer(
            values,
            files.labels,
            classes=files.classes,
            kind=head,
            protocol=config.protocol,
            present=features.present,
        )

    return once(config.out / name, settings, measure)


def main(config: Config) -> list[dict[str, Any]]:
    """Extract features, classify every layer, print the table and draw the curve."""
    prepare_process()
    files = load_files(config.data, data_root=config.data_root)
    print(f"{files.name}: {len(files):,} images of {len(files.classes)} classes")
    wanted = {layer for layers in config.layers.values() for layer in layers}
    features = deep_features(
        config.net,
        files,
        layers=[layer for layer in deep_net(config.net).build().stage_names if layer in wanted],
        maps=config.taken,
        crop=crop_for(config.net, views=config.views),
        weights_path=config.weights,
        cache_folder=config.cache,
        workers=config.workers,
        batch=config.batch,
        on_unreadable=config.on_unreadable,
    )
    cells: list[tuple[Head, str]] = [
        (head, layer) for head, layers in config.layers.items() for layer in layers
    ]
    results = [
        run_cell(config, features, files, head, layer)
        for head, layer in counted(cells, "layers and classifiers")
    ]
    path = figure(config, results, files)
    print(
        f"\n{files.name} by {config.net}, {config.train} images a class to train, at most "
        f"{config.test_at_most} to test, {config.folds} folds\n"
    )
    print(table(results, files.name))
    print(f"\nresults: {config.out}/*/result.json\nfigure: {path}")
    return results


if __name__ == "__main__":
    run_command(main, Config, __doc__)
