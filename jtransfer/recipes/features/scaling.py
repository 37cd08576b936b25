"""How features are scaled before a linear classifier sees them."""

from typing import Literal, get_args

import numpy as np

Scaling = Literal["l2", "mean"]


def scaled(
    features: np.ndarray, scaling: Scaling = "l2", *, train: int | None = None
) -> np.ndarray:
    """Features scaled so that one range of C suits all nets and layers; a copy, float32.

    Args:
      features: [n, dims].
      scaling: "l2" for rows of length 1, zero staying zero; "mean" for one factor, by which the
        first `train` rows have length 1 in the mean, zeros staying zeros.
      train: how many of the first rows may be looked at; None for all.

    Raises:
      ValueError: if the scaling is unknown.
    """
    if scaling not in get_args(Scaling):
        raise ValueError(f"scaling {scaling!r}; expected one of {', '.join(get_args(Scaling))}")
    features = np.array(features, np.float32)
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    by = lengths[:train].mean() if scaling == "mean" else lengths
    features /= np.maximum(by, 1e-12)
    return features
