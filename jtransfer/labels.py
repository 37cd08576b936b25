"""Class labels, checked in one place before anything is fitted to them or trained on them.

One class an example is a number from 0; several classes an example are signs, 1 for a class that it
shows, -1 for one that it does not, 0 for one that is not to be judged. Labels in memory are refused
by a sentence. Of labels inside a compiled step only the type is known: there what is no label makes
the loss NaN and has no gradient, so that it is seen and teaches nothing.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer


def class_numbers(labels: Any, classes: int | None = None, *, least: int = 1) -> np.ndarray:
    """Labels [n] as int32, one class each.

    Args:
      labels: [n] integers from 0.
      classes: how many there are; by default as many as are named.
      least: how many of them must be there.

    Raises:
      ValueError: if they are not such numbers, none is there, or too few different ones are.
    """
    given = np.asarray(labels)
    if given.ndim != 1 or not given.size:
        raise ValueError(
            f"labels of shape {given.shape}; expected [n], the number of each example's class, and "
            "at least one example"
        )
    _require_integers(given)
    low, high, there = int(given.min()), int(given.max()), len(np.unique(given))
    top = np.iinfo(np.int32).max if classes is None else classes - 1
    if low < 0 or high > top or there < least:
        wanted = "numbers from 0" if classes is None else f"numbers from 0 to {top}"
        several = {1: "", 2: ", at least two of them"}.get(least, f", at least {least} of them")
        raise ValueError(
            f"labels from {low} to {high}, {there} of them different; expected {wanted}{several}. "
            "Number the classes from 0, and leave out examples without a class"
        )
    return given.astype(np.int32)


def class_signs(labels: Any, classes: int | None = None) -> np.ndarray:
    """Labels [n, classes] as int32: 1 shown, -1 not shown, 0 not to be judged.

    Zeros and ones without any -1 are refused: they are likely to mean shown and not shown, and
    taken as they are nothing would be told apart.

    Args:
      labels: [n, classes].
      classes: how many there are; by default as many as there are columns.

    Raises:
      ValueError: if they are not such signs.
    """
    given = np.asarray(labels)
    if given.ndim != 2 or not given.size or given.shape[1] != (classes or given.shape[1]):
        raise ValueError(
            f"labels of shape {given.shape}; expected [n, {classes or 'classes'}], a sign of every "
            "class for each example"
        )
    if not np.issubdtype(given.dtype, np.number) or not np.isin(given, (-1, 0, 1)).all():
        raise ValueError(
            f"labels hold {np.unique(given)[:5].tolist()}; expected 1 (shown), -1 (not shown) and "
            "0 (left out)"
        )
    if (given == 0).any() and (given == 1).any() and not (given == -1).any():
        raise ValueError(
            "labels hold 1 (shown) and 0 (left out), but no -1 (not shown); expected some. Turn "
            "zeros and ones into 2 * labels - 1, of a signed type"
        )
    return given.astype(np.int32)


def check_field(labels: Any) -> None:
    """Check labels at the door of a feed, where it is not known yet what will be trained on them.

    Integers [n] are class numbers. Signed integers [n, classes] of zeros and ones, with more or
    less than one 1 a row, would be taken for signs none of which is -1; unsigned ones and floats
    can't be signs and are let in, as numbers of groups or as shares.

    Raises:
      ValueError: if an integer is negative where it is a class, or signs lack -1, or a float is not
        finite.
    """
    given = np.asarray(labels)
    if np.issubdtype(given.dtype, np.floating):
        if not np.isfinite(given).all():
            row = int(np.argwhere(~np.isfinite(given))[0][0])
            raise ValueError(
                f"label {row} holds NaN or infinity; expected finite numbers. Leave such examples "
                "out"
            )
    elif given.ndim == 1:
        class_numbers(given)
    elif given.ndim == 2 and np.issubdtype(given.dtype, np.signedinteger):
        one_hot_rows = (given.sum(axis=1) == 1).all()
        if np.isin(given, (0, 1)).all() and not one_hot_rows:
            class_signs(given)


def known(values: jax.Array, labels: jax.Array, classes: int) -> jax.Array:
    """The values [n, ...] of examples, NaN and without a gradient where the label is no class.

    Args:
      values: such as the losses or the one-hot rows of the labels.
      labels: [n] integers from 0 to classes - 1; traced or not.
      classes: how many there are.

    Raises:
      ValueError: when the step is traced, if the labels are not integers.
    """
    labels = integers(labels)
    there = (labels >= 0) & (labels < classes)
    return jnp.where(there.reshape(*there.shape, *[1] * (values.ndim - there.ndim)), values, np.nan)


def integers(labels: jax.Array) -> jax.Array:
    """The labels, traced or not, if their type is one of integers: in one that counts all classes.

    In 8 bits the number of classes is itself no number where there are 256 of them.

    Raises:
      ValueError: if not.
    """
    labels = jnp.asarray(labels)
    if not jnp.issubdtype(labels.dtype, jnp.integer):
        raise ValueError(
            f"labels are {labels.dtype}; expected integers, the numbers of the classes. Convert "
            "whole numbers by astype(int)"
        )
    return labels.astype(jnp.int32) if labels.dtype.itemsize < 4 else labels


def one_hot(labels: jax.Array, classes: int) -> jax.Array:
    """Rows [..., classes] float32, 1 at the label; NaN where it is no class, as in `known`."""
    labels = integers(labels)
    return known(jax.nn.one_hot(labels, classes), labels, classes)


def signs(labels: jax.Array) -> jax.Array:
    """Labels [n, classes] of -1, 0 and 1 as float32, NaN where they are anything else.

    Raises:
      ValueError: as `class_signs`, if they are not traced; also when a step is traced, if their
        type has no -1.
    """
    labels = jnp.asarray(labels)
    if jnp.issubdtype(labels.dtype, jnp.unsignedinteger) or labels.dtype == bool:
        raise ValueError(
            f"labels are {labels.dtype}, which has no -1; expected a signed type, with 1 (shown), "
            "-1 (not shown) and 0 (left out). Turn zeros and ones into 2 * labels.astype(int) - 1"
        )
    if not isinstance(labels, Tracer) and labels.size:
        class_signs(labels)
    values = labels.astype(jnp.float32)
    return jnp.where(values == jnp.sign(values), values, np.nan)


def _require_integers(given: np.ndarray) -> None:
    if given.dtype.kind in "iu":  # spans of time are integers to issubdtype
        return
    if np.issubdtype(given.dtype, np.floating):
        odd = given != np.floor(given)
        if odd.any():  # NaN too
            place = int(np.argmax(odd))
            raise ValueError(
                f"label {place} is {given[place]}; expected the number of a class, from 0. Shares "
                "of several classes are [n, classes]"
            )
    numeric = np.issubdtype(given.dtype, np.number) or given.dtype == bool
    way = "astype(int)" if numeric else "np.unique(labels, return_inverse=True)"
    raise ValueError(
        f"labels are {given.dtype}, such as {given.flat[0]!r}; expected integers, the numbers of "
        f"the classes. Convert them by {way}"
    )
