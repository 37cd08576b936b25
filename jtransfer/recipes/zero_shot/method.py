"""What a zero-shot method is here: settings to choose from, and one fit for all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jtransfer.data.sources.attributes import ClassTable
from jtransfer.transfer.zero_shot.attributes import above_mean
from jtransfer.transfer.zero_shot.compatibility import side_by_side

Setting = dict[str, float]


@dataclass(frozen=True)
class Fitted:
    """A fitted method.

    Attributes:
      decision: from features [n, dims] and signatures [classes, k] to scores [n, classes].
      embed: from features to the space of the signatures, [n, k]; None where that is another one.
    """

    decision: Callable[[np.ndarray, np.ndarray], Any]
    embed: Callable[[np.ndarray], Any] | None


@dataclass(frozen=True)
class Method:
    """One method.

    Attributes:
      title: in the table.
      settings: to choose from.
      fit: from features, labels, signatures, settings, a seed and the devices' mesh to what was
        fitted, one a setting; closed forms need neither of the last two.
      probabilities: whether signatures are to be from 0 to 1 rather than rows of length 1.
      trained: whether by gradient, so that the seed matters.
    """

    title: str
    settings: tuple[Setting, ...]
    fit: Callable[..., list[Fitted]]
    probabilities: bool = False
    trained: bool = False

    def signatures(self, tables: Sequence[ClassTable], seen: np.ndarray) -> np.ndarray:
        """Rows of all classes as the method takes them: [classes, attributes] float32.

        Args:
          tables: with the same classes; several are put side by side.
          seen: rows of the classes that are trained on; no other row has a say in the scale.

        Raises:
          DataError: naming what is missing in a table.
        """
        values = [table.complete() for table in tables]
        if not self.probabilities:
            return side_by_side(*values)
        inside = [each.min() >= 0 and each.max() <= 1 for each in values]
        return np.concatenate(
            [
                each if fits else above_mean(each, each[seen])
                for each, fits in zip(values, inside, strict=True)
            ],
            axis=1,
        )
