"""Classes that are combinations of attributes, of each group one; some no training image shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import jax.numpy as jnp
import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.sources.attributes import ClassTable
from jtransfer.data.splits import class_folds
from jtransfer.transfer.zero_shot.attribute_groups import group_log_odds
from jtransfer.transfer.zero_shot.attributes import similarity
from jtransfer.transfer.zero_shot.class_signatures import (
    learnable,
    require_disjoint,
    require_distinct,
)

# By the product of the attributes' odds, or by the nearest row of the table.
AttributeRule = Literal["product", "distance"]
RULES: tuple[AttributeRule, ...] = ("product", "distance")


@dataclass(frozen=True, eq=False)
class AttributeClasses:
    """Which classes are what, as labels, ascending; `AttributeClasses.make` makes it.

    Attributes:
      known: trained on.
      validation: seen, but held out of training to choose by.
      unseen: without a training image.
      table: attributes of all classes, group after group: 1 for the one of each group that a class
        has, else 0.
      groups: name of each group to its attributes.
    """

    known: np.ndarray
    validation: np.ndarray
    unseen: np.ndarray
    table: ClassTable
    groups: Mapping[str, tuple[str, ...]]

    @classmethod
    def make(
        cls,
        table: ClassTable,
        groups: Mapping[str, tuple[str, ...]],
        *,
        seen: np.ndarray,
        unseen: np.ndarray,
        folds: int = 4,
    ) -> "AttributeClasses":
        """Hold out one of `folds` parts of the seen classes for validation.

        Args:
          table: a row a label; its columns are the groups' attributes one after the other.
          groups: name of each group to its attributes.
          seen: labels of the classes that may be trained on.
          unseen: labels of the others.
          folds: parts of the seen classes.

        Raises:
          DataError: if the table has not one attribute of each group in every row.
          ValueError: if a class is both seen and unseen, two have the same attributes, or an
            attribute is the same in all classes that are trained on.
        """
        values = table.complete()
        sizes = [len(names) for names in groups.values()]
        parts = np.split(values, np.cumsum(sizes)[:-1], axis=1) if sum(sizes) else [values]
        one_hot = all(
            np.isin(part, (0, 1)).all() and (part.sum(axis=1) == 1).all() for part in parts
        )
        if values.shape[1] != sum(sizes) or not one_hot:
            raise DataError(
                f"{table.name} has {values.shape[1]} attributes, groups {list(groups)} of {sizes}; "
                "expected a 1 for one attribute of each group in every row, and 0 for the others, "
                "the groups' columns one after the other"
            )
        names = table.classes
        require_disjoint([names[row] for row in seen], [names[row] for row in unseen])
        require_distinct(values, names)
        known, validation = class_folds(seen, folds, seed=0)[0]
        differs = learnable(values[known])
        if not differs.all():
            same = ", ".join(np.array(table.attributes)[~differs])
            raise ValueError(
                f"{same}: the same in all {len(known)} classes that are trained on; expected every "
                "attribute in some and not in others. Choose other seen classes"
            )
        return cls(known, validation, np.sort(unseen), table, dict(groups))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of attributes in each group."""
        return tuple(len(names) for names in self.groups.values())

    @cached_property
    def places(self) -> np.ndarray:
        """Of each class's attribute within each group: [classes, groups]."""
        return self.told(self.table.values)

    def told(self, probabilities: np.ndarray) -> np.ndarray:
        """Place of the most probable attribute of each group: [n, groups] of [n, attributes]."""
        groups = np.split(probabilities, np.cumsum(self.sizes)[:-1], axis=1)
        return np.stack([group.argmax(axis=1) for group in groups], axis=1)

    def scores(
        self, probabilities: np.ndarray, classes: np.ndarray, rule: AttributeRule
    ) -> np.ndarray:
        """Scores [n, classes] by attributes' probabilities [n, attributes]."""
        rows, given = jnp.asarray(self.table.values[classes]), jnp.asarray(probabilities)
        if rule == "distance":
            return np.asarray(similarity(given, rows, jnp.ones(rows.shape[1])))
        prior = jnp.asarray(self.table.values[self.known].mean(0))
        return np.asarray(group_log_odds(given, rows, prior))
