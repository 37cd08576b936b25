"""How classes are named by the attributes that a net tells: the rule chosen, and the result."""

from typing import Any

import numpy as np

from jtransfer.data.examples import Examples
from jtransfer.measure import mean_per_class_accuracy
from jtransfer.measure.seen_unseen import seen_unseen_curve
from jtransfer.recipes.zero_shot.attribute_classes import RULES, AttributeClasses


def choose_rule(
    classes: AttributeClasses, train: Examples, predicted: np.ndarray, held: np.ndarray
) -> dict[str, Any]:
    """The better rule on validation classes, and its calibration.

    Args:
      classes: which are which.
      train: images of all seen classes.
      predicted: probabilities of their attributes, [n, attributes].
      held: positions of images of known classes that the net was not trained on.

    Returns:
      `rule`, each rule's accuracy under `validation`, and `calibration`.
    """
    fresh = np.flatnonzero(np.isin(train.labels, classes.validation))
    accuracies = {
        rule: _per_class(
            classes.scores(predicted[fresh], classes.validation, rule),
            train.labels[fresh],
            classes.validation,
        )
        for rule in RULES
    }
    rule = max(RULES, key=accuracies.__getitem__)
    tested, among = np.concatenate([held, fresh]), _both(classes.known, classes.validation)
    scores = classes.scores(predicted[tested], among, rule)
    curve = seen_unseen_curve(
        scores, np.searchsorted(among, train.labels[tested]), np.isin(among, classes.known)
    )
    return {"rule": rule, "validation": accuracies, "calibration": curve.best_calibration()}


def judge_attributes(
    classes: AttributeClasses, test: Examples, predicted: np.ndarray, choice: dict[str, Any]
) -> dict[str, Any]:
    """Zero-shot and generalised accuracy by the chosen rule, and how well attributes are told.

    Args:
      classes: which are which.
      test: images of known and of unseen classes.
      predicted: probabilities of their attributes, [n, attributes].
      choice: of `choose_rule`.
    """
    of_unseen = np.isin(test.labels, classes.unseen)
    of_known = np.isin(test.labels, classes.known)
    scores = classes.scores(predicted[of_unseen], classes.unseen, choice["rule"])
    among = _both(classes.known, classes.unseen)
    tested = of_unseen | of_known
    curve = seen_unseen_curve(
        classes.scores(predicted[tested], among, choice["rule"]),
        np.searchsorted(among, test.labels[tested]),
        np.isin(among, classes.known),
    )
    right = classes.told(predicted) == classes.places[test.labels]
    return {
        "accuracy": _per_class(scores, test.labels[of_unseen], classes.unseen),
        "uncalibrated": dict(zip("SUH", curve.at(0.0), strict=True)),
        "calibrated": dict(zip("SUH", curve.at(choice["calibration"]), strict=True)),
        "area": curve.area,
        "attributes": {
            name: {
                "known": float(right[of_known, at].mean()),
                "unseen": float(right[of_unseen, at].mean()),
            }
            for at, name in enumerate(classes.groups)
        },
        "all_right": float(right[of_unseen].all(axis=1).mean()),
    }


def _per_class(scores: np.ndarray, labels: np.ndarray, classes: np.ndarray) -> float:
    """Mean accuracy per class of scores [n, classes]."""
    places = np.searchsorted(classes, labels)
    return mean_per_class_accuracy(scores.argmax(axis=1), places, len(classes))


def _both(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.sort(np.concatenate([one, other]))
