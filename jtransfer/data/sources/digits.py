"""Real handwriting that scikit-learn ships: 1,797 digits of 8x8 pixels."""

import numpy as np

from jtransfer.data.examples import Examples


def load_digits(split: str) -> Examples:
    """One half of scikit-learn's digits, split at random with equal shares of each class.

    The test set of the UCI Optical Recognition of Handwritten Digits data (Alpaydin & Kaynak
    1998), bright ink on black. They fill their 8x8 pixels from edge to edge and get a border of one
    dark pixel, since digits elsewhere (MNIST, street signs) stand free. The split is always the
    same one.

    Args:
      split: "train" (898 images) or "test" (899).

    Returns:
      Images [n, 10, 10, 1], their 17 levels spread over 0..255.
    """
    from sklearn.datasets import load_digits as sklearn_digits
    from sklearn.model_selection import train_test_split

    images, labels = sklearn_digits(return_X_y=True)
    halves = train_test_split(
        np.arange(len(labels)), test_size=0.5, random_state=0, stratify=labels
    )
    half = np.sort(halves[("train", "test").index(split)])
    pixels = np.rint(images[half].reshape(-1, 8, 8, 1) * (255 / 16)).astype(np.uint8)
    pixels = np.pad(pixels, ((0, 0), (1, 1), (1, 1), (0, 0)))
    classes = tuple(str(digit) for digit in range(10))
    return Examples(pixels, np.asarray(labels)[half].astype(np.int32), classes, "sklearn:digits")
