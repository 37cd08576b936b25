"""How a method does on images of unseen classes: among these alone, and among all classes."""

from typing import Any

import numpy as np

from jtransfer.measure import confusion_matrix, mean_per_class_accuracy
from jtransfer.measure.seen_unseen import seen_unseen_curve
from jtransfer.recipes.zero_shot.method import Fitted, Method
from jtransfer.recipes.zero_shot.problem import Problem


def judge(
    problem: Problem, method: Method, choice: dict[str, Any], seed: int
) -> tuple[dict[str, Any], Fitted, np.ndarray]:
    """Zero-shot and generalised accuracy of the chosen setting.

    Zero-shot: trained on all images of seen classes, unseen images among the unseen classes.
    Generalised (Chao et al., ECCV 2016): trained on `problem.train`, the held images of seen
    classes and the unseen images among all classes, without and with the chosen calibration.

    Args:
      problem: the data.
      method: to fit.
      choice: of `choose`.
      seed: of the training.

    Returns:
      Mean accuracy per class, confusion, S, U and H, and the area under S over U; what was fitted
      to all seen images; and the signatures of all classes.
    """
    unseen_images = problem.images_of(problem.unseen)
    place = np.searchsorted(problem.unseen, problem.labels[unseen_images])

    (fitted,), signatures = problem.fit(
        method, [choice["setting"]], problem.images_of(problem.seen), problem.seen, seed
    )
    scores = problem.scores(fitted, signatures, unseen_images, problem.unseen)
    guesses, count = scores.argmax(axis=1), len(problem.unseen)

    (part,), _ = problem.fit(method, [choice["setting"]], problem.train, problem.seen, seed)
    tested = np.concatenate([problem.held, unseen_images])
    everything = np.arange(len(problem.classes))
    among_all = problem.scores(part, signatures, tested, everything)
    curve = seen_unseen_curve(among_all, problem.labels[tested], np.isin(everything, problem.seen))
    result = {
        "seed": seed,
        "accuracy": mean_per_class_accuracy(guesses, place, count),
        "confusion": confusion_matrix(guesses, place, count).tolist(),
        "uncalibrated": dict(zip("SUH", curve.at(0.0), strict=True)),
        "calibrated": dict(zip("SUH", curve.at(choice["calibration"]), strict=True)),
        "area": curve.area,
    }
    return result, fitted, signatures
