"""Small pairs of domains to align."""

import math

import numpy as np
from sklearn.model_selection import StratifiedKFold

CLASSES = 3


def ellipse(count, deviations, seed=0):
    """Normal features with the given deviation along each axis, the largest first."""
    random = np.random.default_rng(seed)
    return (random.normal(size=(count, len(deviations))) * deviations).astype(np.float32)


def domains(count=90, angle=1.0, seed=0):
    """Three classes in a plane; the target's are turned within it, and moved."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    centres = np.array([[8, 0, 0], [-3, 2, 0], [-5, -2, 0]])
    source, test = (
        (centres[labels] + 0.3 * random.normal(size=(count, 3))).astype(np.float32)
        for _ in range(2)
    )
    return source, labels, test @ _turned(angle) + 5


def folds(features, labels):
    """Two, stratified."""
    return list(StratifiedKFold(2).split(features, labels))


def _turned(angle):
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]], np.float32)
