"""Newton's directions of many SVMs, each by the Hessian of its own support vectors."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import scipy

_AT_ONCE = min(8, os.cpu_count() or 1)  # Hessians in memory
_ROWS = 2048  # support vectors that are copied at a time


def solved(
    features: Sequence[np.ndarray],
    bends: Sequence[np.ndarray],
    given: np.ndarray,
    *,
    C: float,
    unit: float,
) -> np.ndarray:
    """(I + C X^T diag(bend) X)^-1 given, for every SVM: [dims, groups].

    Args:
      features: X in blocks [b, dims], float32, the last feature that of the bias.
      bends: curvature [b, groups] of each example's loss; 0 for all but the support vectors.
      given: [dims, groups].
      C: weight of the loss.
      unit: by which the bias's feature is multiplied.
    """
    from threadpoolctl import threadpool_limits

    # `scipy.linalg` is imported where it is first named, which takes a while.
    syrk: Any = scipy.linalg.get_blas_funcs("syrk", dtype=np.float32)

    def of(group: int) -> np.ndarray:
        # Of a symmetric matrix the lower half alone, added up in place.
        hessian = np.zeros((len(given), len(given)), np.float32, order="F")
        for block, bend in zip(features, bends, strict=True):
            own = bend[:, group]
            support = np.flatnonzero(own)
            for start in range(0, len(support), _ROWS):
                some = support[start : start + _ROWS]
                rows = block[some]
                rows *= np.sqrt(np.float32(C) * own[some])[:, None]
                hessian = syrk(1.0, rows.T, beta=1.0, c=hessian, lower=True, overwrite_c=True)
        hessian[-1] *= unit
        hessian[:, -1] *= unit
        whole = hessian.astype(np.float64)
        whole[np.diag_indices_from(whole)] += 1
        factor = scipy.linalg.cho_factor(whole, lower=True, overwrite_a=True)
        return scipy.linalg.cho_solve(factor, given[:, group])

    # A core for each is faster than all cores for one after the other.
    with threadpool_limits(1), ThreadPoolExecutor(_AT_ONCE) as pool:
        return np.stack(list(pool.map(of, range(given.shape[1]))), axis=1)
