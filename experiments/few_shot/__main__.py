"""Few-shot: how far do one or five images a class go, on the features of a pretrained net?

Episodes of five classes of Caltech-101: 1, 2, 5 or 10 images of each to learn from, 15 others of
each to tell; mean accuracy with its 95% interval over all episodes, for the nearest class mean
(Snell et al. 2017), the cosine to it, and ridge regression (Bertinetto et al. 2019). The published
numbers on this protocol are of nets trained on other classes of the same data and stand beside
nothing here: ImageNet, on which these nets were trained, shares classes with Caltech-101.

    python -m experiments.few_shot
    python -m experiments.few_shot --net alexnet_2014 --weights FILE

Features are scaled to length 1, extracted once and cached. A finished call is not run again.
"""

from typing import Any

from experiments.command import run_command
from experiments.data_names import short_name
from experiments.few_shot.config import Config
from experiments.few_shot.figures import figure
from experiments.few_shot.table import table
from jtransfer.data.loading import load_files
from jtransfer.recipes.features.deep_features import deep_features
from jtransfer.recipes.features.episodes import CLASSIFIERS, solve_episodes
from jtransfer.recipes.features.once import once
from jtransfer.train.runtime import prepare_process


def main(config: Config) -> dict[str, Any]:
    """Extract features, solve the episodes, print the table and draw the curves."""
    prepare_process()
    files = load_files(config.data, data_root=config.data_root)
    print(f"{files.name}: {len(files):,} images of {len(files.classes)} classes")
    layer = config.chosen_layer
    features = deep_features(
        config.net,
        files,
        layers=[layer],
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
    folder = config.out / name

    def measure() -> dict[str, Any]:
        return solve_episodes(
            features.layers[layer],
            files.labels,
            ways=config.ways,
            shots=config.shots,
            queries=config.queries,
            episodes=config.episodes,
            seed=config.seed,
        )

    result = once(folder, settings, measure)
    path = folder / "shots.png"
    figure(config, result, files.name, path)
    count = len(CLASSIFIERS) * len(config.shots) * config.episodes
    print(
        f"\n{config.ways} ways, {config.queries} queries a class, {config.episodes:,} episodes, "
        f"mean and 95% interval; {count:,} episodes solved in {result['seconds']} s\n"
    )
    print(table(result))
    print(f"\nresults: {folder}/result.json\nfigure: {path}")
    return result


if __name__ == "__main__":
    run_command(main, Config, __doc__)
