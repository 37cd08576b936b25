"""Few-shot: how far do one or five images a class go, on the features of a pretrained net?

Episodes of five classes of Caltech-101: 1, 2, 5 or 10 images of each to learn from, 15 others of
each to tell; mean accuracy with its 95% interval over all episodes, for the nearest class mean
(Snell et al. 2017), the cosine to it, and ridge regression (Bertinetto et al. 2019). The published
numbers on this protocol are of nets trained on other classes of the same data and stand beside
nothing here: ImageNet, on which these nets were trained, shares classes with Caltech-101.

    python -m experiments.few_shot --weights FILE
    python -m experiments.few_shot --net alexnet_2014 --weights FILE

Features are scaled to length 1, extracted once and cached. A finished call is not run again.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from experiments.command import run_command
from experiments.deep_features import crop_for, deep_features, short_name
from experiments.probe_layers import scaled
from jtransfer.data.loading import load_files
from jtransfer.measure import console_table
from jtransfer.measure.bands import bands_figure
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.runtime import prepare_process
from jtransfer.transfer.features.few_shot import (
    draw_episodes,
    episode_accuracies,
    fit_cosine,
    fit_nearest_mean,
    fit_ridge_rule,
    interval,
)

LAYER = {"alexnet_2014": "conv5", "efficientnet_lite0": "top"}  # used unless another one is named
CLASSIFIERS = {
    "nearest class mean": fit_nearest_mean,
    "cosine": fit_cosine,
    "ridge": fit_ridge_rule,
}


@dataclass(frozen=True)
class Config:
    """Settings of a call, which is one cell."""

    data: str = "folder:caltech101"  # one folder a class, below the data root
    net: Literal["alexnet_2014", "efficientnet_lite0"] = "efficientnet_lite0"
    weights: Path | None = None  # file of the net's weights; by default downloaded once
    layer: str | None = None  # of the net, instead of its last one
    ways: int = 5  # classes an episode
    shots: tuple[int, ...] = (1, 2, 5, 10)  # images a class to learn from
    queries: int = 15  # images a class to tell
    episodes: int = 2000  # for each number of shots
    seed: int = 0  # of the episodes
    batch: int = 64  # images in a call of the net
    workers: int = 2  # processes that decode images; 0 decodes in the main one
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    cache: Path = Path("checkpoints/features")  # extracted features
    out: Path = Path("checkpoints/few_shot")  # one folder a call, with the figure


def measure(config: Config, features: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Accuracies of every classifier and number of shots, and the time of them all."""
    started = time.perf_counter()
    measured: dict[str, dict[str, list[float]]] = {name: {} for name in CLASSIFIERS}
    for shots in config.shots:
        drawn = draw_episodes(
            labels,
            ways=config.ways,
            shots=shots,
            queries=config.queries,
            episodes=config.episodes,
            seed=config.seed,
        )
        for name, fit in CLASSIFIERS.items():
            accuracies = episode_accuracies(features, drawn, shots=shots, fit=fit)
            measured[name][str(shots)] = list(interval(accuracies))
    return {"measured": measured, "seconds": round(time.perf_counter() - started, 1)}


def table(result: dict[str, Any]) -> str:
    """A row for every classifier, a column for every number of shots."""
    rows = [
        [name, *(f"{mean:.3f} ± {half:.3f}" for mean, half in by_shots.values())]
        for name, by_shots in result["measured"].items()
    ]
    shots = next(iter(result["measured"].values()))
    return console_table(["classifier", *(f"{each}-shot" for each in shots)], rows)


def main(config: Config) -> dict[str, Any]:
    """Extract features, solve the episodes, print the table and draw the curves."""
    prepare_process()
    files = load_files(config.data, data_root=config.data_root)
    print(f"{files.name}: {len(files):,} images of {len(files.classes)} classes")
    layer = config.layer or LAYER[config.net]
    features = deep_features(
        config.net,
        files,
        crop_for(config.net),
        [layer],
        weights_path=config.weights,
        cache_folder=config.cache,
        workers=config.workers,
        batch=config.batch,
    )
    settings = {
        "experiment": "few_shot",
        "net": config.net,
        "layer": layer,
        "ways": config.ways,
        "shots": list(config.shots),
        "queries": config.queries,
        "episodes": config.episodes,
        "seed": config.seed,
        "features": dict(features.key),
    }
    name = f"{short_name(files)}-{config.net}-{layer}-{config.ways}way-{config.episodes}episodes"
    name += f"-seed{config.seed}"
    folder = RunFolder(config.out / name, settings)
    result = folder.result()
    if result is None:
        values = scaled(features.layers[layer], "l2", len(files))
        result = folder.write_result({**settings, **measure(config, values, files.labels)})
    path = folder.path / "shots.png"
    # Two values whose mean and deviation are the mean and half the width of the interval.
    bands_figure(
        {
            name: {
                shots: [mean - half / np.sqrt(2), mean + half / np.sqrt(2)]
                for shots, (mean, half) in by_shots.items()
            }
            for name, by_shots in result["measured"].items()
        },
        path,
        places=[str(each) for each in config.shots],
        xlabel="images a class to learn from",
        ylabel=f"accuracy, {config.ways} classes",
        title=f"{files.name} by {config.net} {layer}: few-shot",
    )
    count = len(CLASSIFIERS) * len(config.shots) * config.episodes
    print(
        f"\n{config.ways} ways, {config.queries} queries a class, {config.episodes:,} episodes, "
        f"mean and 95% interval; {count:,} episodes solved in {result['seconds']} s\n"
    )
    print(table(result))
    print(f"\nresults: {folder.path}/result.json\nfigure: {path}")
    return result


if __name__ == "__main__":
    run_command(main, Config, __doc__)
