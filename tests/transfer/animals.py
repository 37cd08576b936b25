"""A world of five classes and three attributes; the features are the attributes with noise."""

import numpy as np

SEEN = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]], np.float32)
UNSEEN = np.array([[0, 1, 1], [1, 0, 1]], np.float32)


def draw(signatures, each=40, noise=0.3, seed=0):
    """Features [n, 6] and labels [n], rows of `signatures`."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(signatures)), each)
    mixing = np.random.default_rng(5).normal(size=(3, 6))
    features = (signatures[labels] + noise * random.normal(size=(len(labels), 3))) @ mixing
    return features.astype(np.float32), labels
