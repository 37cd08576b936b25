"""Your own folder: does the estimate of `jtransfer fit` hold on images that it did not see?

Of each class some images make the model and the others judge it, on ten random splits: the mean
accuracy per class, whether its 95% interval (nested cross-validation on the model's images alone)
holds it, the calibration error before and after the temperature, the precision of the guesses that
the model is sure of. Beside it scikit-learn's LogisticRegressionCV on the last layer.

    python -m experiments.own_folder --data folder:pacs/photo --train 50
    python -m experiments.own_folder --data folder:caltech101 --train 20
    python -m experiments.own_folder --data folder:gtsrb_tracks --train 6

The last folder has the last frame of every training track of `npz:gtsrb32`, as a PNG named by its
track, for frames of one track are all but the same image.

Features are extracted once and cached, so that a split takes seconds. A finished call is not run
again.
"""

from typing import Any

from experiments.command import run_command
from experiments.data_names import short_name
from experiments.own_folder.config import Config
from experiments.own_folder.rival import logistic_regression_cv
from experiments.own_folder.table import table
from jtransfer.data.loading import load_files
from jtransfer.data.splits import per_class_split
from jtransfer.recipes.features.once import once
from jtransfer.recipes.features.scaling import scaled
from jtransfer.recipes.own_folder.frozen_trunk import load_trunk
from jtransfer.recipes.own_folder.pooled_features import pooled_features
from jtransfer.recipes.own_folder.split_judging import judge_split
from jtransfer.train.counted import counted
from jtransfer.train.runtime import prepare_process


def main(config: Config) -> dict[str, Any]:
    """Extract features, judge the splits and print the table."""
    prepare_process()
    files = load_files(config.data, data_root=config.data_root)
    print(f"{files.name}: {len(files):,} images of {len(files.classes)} classes")
    features = pooled_features(
        load_trunk(config.net), files, cache_folder=config.cache, workers=config.workers
    )
    layers = {(config.net, layer): scaled(each) for layer, each in features.layers.items()}
    settings = {
        "experiment": "own_folder",
        "net": config.net,
        "train": config.train,
        "test_at_most": config.test_at_most,
        "splits": config.splits,
        "precision": config.precision,
        "rival_splits": config.rival_splits,
        "data": files.name,
        "images": len(files),
        "classes": len(files.classes),
        "features": dict(features.key),
    }
    name = f"{short_name(files)}-{config.net}-train{config.train}-{config.splits}splits"
    folder = config.out / name.replace("/", "_")

    def measure() -> dict[str, Any]:
        measured, rival = [], []
        for seed in counted(range(config.splits), "splits"):
            split = per_class_split(
                files.labels,
                train=config.train,
                test_at_most=config.test_at_most,
                seed=seed,
                classes=files.classes,
            )
            one = judge_split(
                layers, files.labels, files.classes, split, precision=config.precision, seed=seed
            )
            measured.append(one)
            print(
                f"  split {seed}: {one['chosen']}: estimate {one['estimate']:.4f} "
                f"({one['low']:.4f} to {one['high']:.4f}), held out {one['held_out']:.4f}, "
                f"{one['seconds']} s",
                flush=True,
            )
            if seed < config.rival_splits:
                last = [*layers.values()][-1]
                rival.append(logistic_regression_cv(last, files.labels, split, len(files.classes)))
                print(f"    scikit-learn {rival[-1]}", flush=True)
        return {"measured": measured, "rival": rival}

    result = once(folder, settings, measure)
    print(f"\n{table([result])}\n\nresults: {folder}/result.json")
    return result


if __name__ == "__main__":
    run_command(main, Config, __doc__)
