"""What a user of scikit-learn would do with the same features."""

import time
from typing import Any

import numpy as np

from jtransfer.measure.metrics import mean_per_class_accuracy


def logistic_regression_cv(
    features: np.ndarray, labels: np.ndarray, split: tuple[np.ndarray, np.ndarray], classes: int
) -> dict[str, Any]:
    """scikit-learn's LogisticRegressionCV with more iterations: ten C, 5 folds."""
    from sklearn.linear_model import LogisticRegressionCV

    train, test = split
    began = time.perf_counter()
    # The last two only say what is the default soon.
    settings: Any = {"max_iter": 1000, "l1_ratios": (0,), "use_legacy_attributes": False}
    model = LogisticRegressionCV(cv=5, scoring="accuracy", **settings)
    model.fit(features[train], labels[train])
    seconds = time.perf_counter() - began
    guesses = model.predict(features[test])
    accuracy = mean_per_class_accuracy(guesses, labels[test], classes)
    return {"held_out": accuracy, "seconds": round(seconds, 1)}
