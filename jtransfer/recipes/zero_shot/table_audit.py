"""What a table of attributes is good for before there is any image: which classes it tells apart.

Zero-shot recognition names a class by its row of the table. So classes with equal rows stay
confused however well attributes are recognised, and classes whose rows differ in little are
confused as soon as a few attributes are not. Both are counted here, from the table alone.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.sources.attributes import ClassTable
from jtransfer.transfer.zero_shot.class_signatures import same_signatures


def audit_table(
    table: ClassTable,
    *,
    guessed: Sequence[float] = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0),
    draws: int = 50,
    seeds: Sequence[int] = (0,),
) -> dict[str, Any]:
    """Count what a table tells apart.

    Args:
      table: of classes and attributes; missing values are taken to be the other classes' mean.
      guessed: shares of the attributes that are guessed when classes are looked up.
      draws: of every class, for each share and seed.
      seeds: of the guesses.

    Returns:
      `classes`, `attributes`, `missing` (counts); `constant` attributes; `alike`, the groups of
      classes with equal rows; `pairs_alike`; `distinct` rows; `only_by`, of each attribute the
      pairs that it alone tells apart; and by share, a number a seed, how often a class is `found`,
      and `found_or_alike`.

    Raises:
      DataError: if every attribute is the same in all classes, or has no value in any.
    """
    missing = int(np.isnan(table.values).sum())
    values = scaled(table.filled())
    spreads = zip(table.attributes, np.ptp(values, axis=0), strict=True)
    constant = [name for name, spread in spreads if not spread]
    if len(constant) == len(table.attributes):
        raise DataError(
            f"{table.name}: every attribute is the same in all classes; expected at least one "
            "that differs. Add attributes"
        )
    found = {
        f"{share:g}": [
            look_up(values, share, draws, np.random.default_rng((seed, number))) for seed in seeds
        ]
        for number, share in enumerate(guessed)
    }
    return {
        "classes": len(table.classes),
        "attributes": len(table.attributes),
        "missing": missing,
        "constant": constant,
        "alike": alike(values, table.classes),
        "pairs_alike": len(same_signatures(values)),
        "distinct": len(np.unique(values, axis=0)),
        "only_by": dict(zip(table.attributes, only_by(values), strict=True)),
        "found": {share: [each[0] for each in runs] for share, runs in found.items()},
        "found_or_alike": {share: [each[1] for each in runs] for share, runs in found.items()},
    }


def alike(values: np.ndarray, classes: tuple[str, ...]) -> list[list[str]]:
    """The groups of classes with the same attributes, those of several classes only."""
    _, group = np.unique(values, axis=0, return_inverse=True)
    members = [np.flatnonzero(group.ravel() == each) for each in range(int(group.max()) + 1)]
    return sorted([classes[row] for row in rows] for rows in members if len(rows) > 1)


def only_by(values: np.ndarray) -> list[int]:
    """For each attribute, how many pairs of classes no other attribute tells apart."""
    pairs = len(same_signatures(values))
    return [
        len(same_signatures(np.delete(values, at, axis=1))) - pairs for at in range(values.shape[1])
    ]


def look_up(
    values: np.ndarray, share: float, draws: int, random: np.random.Generator
) -> tuple[float, float]:
    """Look classes up by attributes of which a share was guessed: those of a random class.

    Args:
      values: [classes, attributes] from 0 to 1.
      share: probability of each attribute to be guessed.
      draws: of every class.
      random: of the guesses.

    Returns:
      How often the class is found, where equally near ones share the point, and how often a class
      with the same attributes is.
    """
    count, width = values.shape
    same = (values[:, None] == values[None]).all(axis=2)
    exact = equal = 0.0
    for _ in range(draws):
        others = values[random.integers(0, count, (count, width)), np.arange(width)[None]]
        told = np.where(random.random((count, width)) < share, others, values)
        distances = ((told[:, None] - values[None]) ** 2).sum(axis=2)
        # The sums round differently for the same attributes in another class's row.
        nearest = distances <= distances.min(axis=1, keepdims=True) + 1e-9
        points = nearest / nearest.sum(axis=1, keepdims=True)
        exact += points.diagonal().mean()
        equal += (points * same).sum(axis=1).mean()
    return exact / draws, equal / draws


def scaled(table: ClassTable) -> np.ndarray:
    """Attributes from 0 to 1 over the classes, so that legs weigh as much as fins."""
    values = table.complete().astype(np.float64)
    low, high = values.min(axis=0), values.max(axis=0)
    return (values - low) / np.where(high > low, high - low, 1)
