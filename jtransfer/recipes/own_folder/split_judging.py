"""Whether an estimate is honest: what `fit` would say of some images, judged on the others."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from jtransfer.measure.calibration import probabilities_of, reliability
from jtransfer.measure.metrics import mean_per_class_accuracy
from jtransfer.recipes.own_folder.choice import Layers, choose
from jtransfer.recipes.own_folder.estimate import calibrate, estimate
from jtransfer.transfer.features.example_weights import balanced, even
from jtransfer.transfer.features.held_out_scores import Fitting, fit_probe


def judge_split(
    layers: Layers,
    labels: np.ndarray,
    classes: Sequence[str],
    split: tuple[np.ndarray, np.ndarray],
    *,
    precision: float = 0.95,
    seed: int = 0,
) -> dict[str, Any]:
    """Make a model of the features of some images, and judge it and its estimate on others.

    Args:
      layers: features of all the images by trunk and layer, of length 1.
      labels: of all the images.
      classes: their names.
      split: positions to make the model of, and positions to judge it on.
      precision: to be kept by the sure guesses.
      seed: of the folds.

    Returns:
      The estimate and its interval ("estimate", "low", "high"), "held_out" mean accuracy per class,
      expected calibration error "before" and "after" the temperature, "precision" and share of the
      "sure" guesses, all on the others; what was "chosen"; "seconds" of making the model.
    """
    train, test = split
    began = time.perf_counter()
    own = labels[train]
    nested = choose(
        {place: values[train] for place, values in layers.items()}, own, classes, seed=seed
    )
    judged = estimate(nested, own, precision)
    best = nested.whole.candidate
    values = layers[best.trunk, best.layer]
    weights = (balanced if best.balanced else even)(own)
    probe = fit_probe(Fitting(values[train], own, len(classes), weights), best.probe, best.penalty)
    found = calibrate(nested.whole, nested.folds, own, precision, None)
    seconds = time.perf_counter() - began
    scores, asked = np.asarray(probe.decision(values[test])), labels[test]
    shares = probabilities_of(scores, found.temperature)
    guesses = shares.argmax(axis=1)
    sure = shares.max(axis=1) >= found.threshold
    return {
        "estimate": judged.accuracy.value,
        "low": judged.accuracy.low,
        "high": judged.accuracy.high,
        "held_out": mean_per_class_accuracy(guesses, asked, len(classes)),
        "before": reliability(probabilities_of(scores), asked).error,
        "after": reliability(shares, asked).error,
        "precision": float((guesses == asked)[sure].mean()) if sure.any() else None,
        "estimated_precision": None if judged.precision is None else list(judged.precision),
        "sure": float(sure.mean()),
        "chosen": f"{best}, {best.penalty:g}",
        "seconds": round(seconds, 1),
    }
