"""One cell: methods fitted to the features of two domains, chosen between, judged at the end."""

import time
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from experiments.no_harm.config import Config
from experiments.no_harm.pairs import DOMAINS, Domain
from jtransfer.data.loading import load, load_files
from jtransfer.recipes.adaptation.feature_choice import choose_feature_model
from jtransfer.recipes.adaptation.feature_methods import fit_feature_methods
from jtransfer.recipes.own_folder.frozen_trunk import FrozenTrunk
from jtransfer.recipes.own_folder.pooled_arrays import pooled_array_features
from jtransfer.recipes.own_folder.pooled_features import pooled_features
from jtransfer.transfer.features.extraction import Features


class Rows(NamedTuple):
    """Features [n, dims] of one layer, their labels [n], and what the features are of."""

    features: np.ndarray
    labels: np.ndarray
    key: dict[str, str]

    def take(self, rows: np.ndarray) -> "Rows":
        """Those at the given positions."""
        return Rows(self.features[rows], self.labels[rows], self.key)


class Pair(NamedTuple):
    """The features of a pair: the source's, the target's to adapt to, and those that judge.

    Where the target has no test split of its own, what judges is drawn from the same rows and
    `test` is None.
    """

    source: Rows
    target: Rows
    test: Rows | None
    classes: tuple[str, ...]


def load_pair(source: str, target: str, trunk: FrozenTrunk, config: Config) -> Pair:
    """Features of both domains, from the cache where it has them."""
    (labelled, classes), other = _rows(DOMAINS[source], "train", trunk, config, None), None
    domain = DOMAINS[target]
    unlabelled, _ = _rows(domain, "train", trunk, config, classes)
    if domain.test is not None:
        other, _ = _rows(domain, "test", trunk, config, classes)
    return Pair(labelled, unlabelled, other, classes)


def _rows(
    domain: Domain,
    split: str,
    trunk: FrozenTrunk,
    config: Config,
    classes: tuple[str, ...] | None,
) -> tuple[Rows, tuple[str, ...]]:
    found: Features
    if domain.is_folder:
        files = load_files(domain.train, data_root=config.data_root, classes=classes)
        sized = replace(trunk, preprocessing=trunk.preprocessing.at(config.photographs))
        found = pooled_features(sized, files, cache_folder=config.cache, workers=config.workers)
        labels, names = files.labels, files.classes
    else:
        name, size = domain.train, domain.images
        if split == "test" and domain.test is not None:
            name, size = domain.test, domain.tested
        images = load(
            name,
            "test" if split == "test" else "train",
            size=size,
            data_root=config.data_root,
            classes=classes,
        )
        found = pooled_array_features(trunk, images, size=config.small, cache_folder=config.cache)
        labels, names = images.labels, images.classes
    rows = Rows(np.asarray(found.layers[config.layer]), np.asarray(labels), dict(found.key))
    return rows, tuple(names)


def measure(pair: Pair, *, seed: int, config: Config) -> dict[str, Any]:
    """Fit, choose, and then look at the target's labels."""
    started = time.perf_counter()
    random = np.random.default_rng(seed)
    source = pair.source.take(_drawn(len(pair.source.labels), config.source, random))
    order = random.permutation(len(pair.target.labels))
    target = pair.target.take(order[: config.target])
    if pair.test is None:
        judged = pair.target.take(order[config.target :][: config.test])
    else:
        judged = pair.test.take(_drawn(len(pair.test.labels), config.test, random))
    held_out, fitted = np.split(np.arange(len(source.labels)), [len(source.labels) // 5])
    train, validation = source.take(fitted), source.take(held_out)
    classes = len(pair.classes)
    models = fit_feature_methods(
        train.features,
        train.labels,
        target.features,
        classes=classes,
        seed=seed,
        tell=lambda _: None,
    )
    choice = choose_feature_model(
        models,
        validation.features,
        validation.labels,
        target.features,
        classes=classes,
        seed=seed,
    )
    chosen_after = time.perf_counter() - started
    accuracy = {
        name: float((model.predict(judged.features) == judged.labels).mean())
        for name, model in models.items()
    }
    return {
        "images": {
            "source": len(train.labels),
            "held_out": len(validation.labels),
            "target": len(target.labels),
            "test": len(judged.labels),
        },
        "accuracy": accuracy,
        "criteria": {name: dict(values) for name, values in choice.values.items()},
        "method_seconds": {name: round(model.seconds, 2) for name, model in models.items()},
        "chosen": choice.name,
        "sureness": choice.sureness,
        "seconds": round(chosen_after, 1),
    }


def _drawn(available: int, most: int, random: np.random.Generator) -> np.ndarray:
    return random.permutation(available)[:most]
