"""A method's setting and its calibration, chosen on classes that are held out of the seen ones."""

from typing import Any

import numpy as np

from jtransfer.data.splits import class_folds
from jtransfer.measure import mean_per_class_accuracy
from jtransfer.measure.seen_unseen import seen_unseen_curve
from jtransfer.recipes.zero_shot.method import Method
from jtransfer.recipes.zero_shot.problem import Problem


def choose(problem: Problem, method: Method, *, folds: int = 4) -> dict[str, Any]:
    """The setting with the best accuracy on validation classes, and its calibration.

    Each fold of the seen classes is unseen in turn: zero-shot accuracy among its own classes
    chooses the setting; with it, images of all seen classes choose the calibration (Chao et al.,
    ECCV 2016). No image of an unseen class is looked at.

    Args:
      problem: the data.
      method: whose settings are tried.
      folds: of the seen classes.

    Returns:
      `setting`, `calibration`, and of the validation the mean, each fold's and each setting's.
    """
    settings = method.settings
    accuracies = np.zeros((len(settings), folds))
    calibrations = np.zeros((len(settings), folds))
    labels = problem.labels
    for fold, (known, new) in enumerate(class_folds(problem.seen, folds, seed=0)):
        images = problem.images_of(known, problem.train)
        found, signatures = problem.fit(method, settings, images, known, seed=fold)
        classes = np.concatenate([known, new])
        tested = np.concatenate([problem.images_of(known, problem.held), problem.images_of(new)])
        place = np.argsort(classes)[np.searchsorted(np.sort(classes), labels[tested])]
        fresh = place >= len(known)
        for number, fitted in enumerate(found):
            scores = problem.scores(fitted, signatures, tested, classes)
            guesses = scores[fresh][:, len(known) :].argmax(axis=1)
            accuracies[number, fold] = mean_per_class_accuracy(
                guesses, place[fresh] - len(known), len(new)
            )
            curve = seen_unseen_curve(scores, place, np.arange(len(classes)) < len(known))
            calibrations[number, fold] = curve.best_calibration()
    means = accuracies.mean(axis=1)
    best = int(means.argmax())
    return {
        "setting": settings[best],
        "validation": float(means[best]),
        "validation_folds": [round(each, 4) for each in accuracies[best].tolist()],
        "validation_settings": [round(each, 4) for each in means.tolist()],
        "calibration": float(calibrations[best].mean()),
    }
