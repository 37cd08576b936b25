"""Classifiers that learn from a few images a class, judged on thousands of episodes."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from jtransfer.recipes.features.labelled_rows import labelled_rows
from jtransfer.recipes.features.scaling import scaled
from jtransfer.transfer.features.few_shot import (
    LinearRule,
    draw_episodes,
    episode_accuracies,
    fit_cosine,
    fit_nearest_mean,
    fit_ridge_rule,
    interval,
)

CLASSIFIERS: Mapping[str, Callable[[jax.Array], LinearRule]] = {
    "nearest class mean": fit_nearest_mean,
    "cosine": fit_cosine,
    "ridge": fit_ridge_rule,
}


def solve_episodes(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    ways: int = 5,
    shots: Sequence[int] = (1, 5),
    queries: int = 15,
    episodes: int = 2000,
    seed: int = 0,
) -> dict[str, Any]:
    """Accuracies of every classifier of `CLASSIFIERS` and number of shots.

    Args:
      features: [n, dims], which are scaled to length 1 first.
      labels: [n] integers.
      ways: classes an episode.
      shots: numbers of images a class to learn from.
      queries: images a class to tell.
      episodes: for each number of shots.
      seed: of the draw; all classifiers see the same episodes.

    Returns:
      {"measured": {classifier: {shots, as text: [mean, half the width of its 95% interval]}},
      "seconds": of it all}.

    Raises:
      ValueError: if features and labels do not fit, there are too few classes, or images of one,
        or a feature is not finite.
    """
    if not len(shots):
        raise ValueError("no number of shots; expected at least one, such as shots=(1, 5)")
    _, labels = labelled_rows(features, labels)
    values = scaled(features)
    started = time.perf_counter()
    measured: dict[str, dict[str, list[float]]] = {name: {} for name in CLASSIFIERS}
    for each in shots:
        drawn = draw_episodes(
            labels, ways=ways, shots=each, queries=queries, episodes=episodes, seed=seed
        )
        for name, fit in CLASSIFIERS.items():
            accuracies = episode_accuracies(values, drawn, shots=each, fit=fit)
            measured[name][str(each)] = list(interval(accuracies))
    return {"measured": measured, "seconds": round(time.perf_counter() - started, 1)}
