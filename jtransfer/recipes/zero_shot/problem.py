"""Features of images, classes with and without training images, and what is known about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jax.sharding import Mesh

from jtransfer.data.examples import DataError
from jtransfer.data.sources.attributes import ClassTable
from jtransfer.data.splits import stratified_folds
from jtransfer.recipes.zero_shot.method import Fitted, Method, Setting
from jtransfer.train.fingerprints import fingerprint
from jtransfer.transfer.zero_shot.class_signatures import require_disjoint


@dataclass(frozen=True, eq=False)
class Problem:
    """Images and classes as every method sees them; `Problem.make` makes it.

    Attributes:
      features: [n, dims].
      labels: [n] rows of the tables.
      tables: what is known about the classes, with the same classes in the same order; several are
        put side by side.
      seen: rows of the classes with training images, ascending.
      unseen: rows of those without, ascending.
      train: positions of the seen classes' images that are trained on in the generalised case.
      held: positions of their other images.
      held_out: one of so many parts of each seen class's images is held.
      mesh: of the devices that train together; None for one.
    """

    features: np.ndarray
    labels: np.ndarray
    tables: Sequence[ClassTable]
    seen: np.ndarray
    unseen: np.ndarray
    train: np.ndarray
    held: np.ndarray
    held_out: int
    mesh: Mesh | None = None

    @classmethod
    def make(
        cls,
        features: np.ndarray,
        labels: np.ndarray,
        tables: Sequence[ClassTable],
        *,
        seen: np.ndarray,
        unseen: np.ndarray,
        held_out: int = 5,
        mesh: Mesh | None = None,
    ) -> "Problem":
        """Hold out one of `held_out` parts of the images of each seen class.

        Images of classes that are neither seen nor unseen have no part in anything; the classes
        themselves compete in the generalised case.

        Args:
          features: [n, dims], such as a pretrained net's.
          labels: [n] integers, rows of the tables.
          tables: at least one; all with the same classes.
          seen: rows of the classes that may be trained on.
          unseen: rows of the others; nothing but the result sees their images.
          held_out: parts of each seen class's images, of which one is tested on beside the unseen
            classes' and the rest trained on.
          mesh: of the devices that train together; None for one.

        Raises:
          DataError: if features, labels and tables do not fit each other, a seen class has fewer
            images than there are parts, or no image is of an unseen class.
          ValueError: if a class is both seen and unseen, or there is none of either.
        """
        labels, seen, unseen = np.asarray(labels), np.unique(seen), np.unique(unseen)
        _require_fitting(features, labels, tables)
        names = tables[0].classes
        rows = np.concatenate([seen, unseen])
        if rows.size and (rows.min() < 0 or rows.max() >= len(names)):
            raise DataError(
                f"seen and unseen classes from {rows.min()} to {rows.max()}; expected rows of the "
                f"table, from 0 to {len(names) - 1}"
            )
        require_disjoint([names[row] for row in seen], [names[row] for row in unseen])
        if not np.isin(labels, unseen).any():
            raise DataError(
                "no image of an unseen class; expected some to judge methods by. Add images of "
                f"{', '.join(names[row] for row in unseen[:5])}"
            )
        of_seen = np.flatnonzero(np.isin(labels, seen))
        train, held = stratified_folds(labels[of_seen], held_out, seed=0)[0]
        parts = of_seen[train], of_seen[held]
        return cls(features, labels, tuple(tables), seen, unseen, *parts, held_out, mesh)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes' names."""
        return self.tables[0].classes

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with any number or name."""
        known = [part for each in self.tables for part in (each.attributes, each.values)]
        arrays = self.features, self.labels, self.seen, self.unseen, self.train
        return fingerprint(self.classes, *map(np.asarray, arrays), *known)

    def images_of(self, classes: np.ndarray, among: np.ndarray | None = None) -> np.ndarray:
        """Positions of the images of some classes, of all images or of those given."""
        among = np.arange(len(self.labels)) if among is None else among
        return among[np.isin(self.labels[among], classes)]

    def fit(
        self,
        method: Method,
        settings: Sequence[Setting],
        images: np.ndarray,
        classes: np.ndarray,
        seed: int,
    ) -> tuple[list[Fitted], np.ndarray]:
        """Fit a method to images of some classes.

        Args:
          method: to fit.
          settings: of the method.
          images: positions to train on.
          classes: of these images, ascending.
          seed: of the training.

        Returns:
          What was fitted, one a setting, and the signatures of all classes [classes, k].
        """
        signatures = method.signatures(self.tables, classes)
        rows = np.searchsorted(classes, self.labels[images])
        features = self.features[images]
        found = method.fit(features, rows, signatures[classes], settings, seed, self.mesh)
        return found, signatures

    def scores(
        self, fitted: Fitted, signatures: np.ndarray, images: np.ndarray, classes: np.ndarray
    ) -> np.ndarray:
        """Scores [images, classes]."""
        return np.asarray(fitted.decision(self.features[images], signatures[classes]))


def _require_fitting(
    features: np.ndarray, labels: np.ndarray, tables: Sequence[ClassTable]
) -> None:
    if not tables:
        raise DataError("no table of classes; expected one or more, such as read_csv makes")
    for table in tables[1:]:
        if table.classes != tables[0].classes:
            raise DataError(
                f"{tables[0].name} and {table.name} differ in their classes or their order; "
                "expected the same. Bring them to one order by take"
            )
    if np.ndim(features) != 2 or labels.ndim != 1 or len(features) != len(labels):
        raise DataError(
            f"features {np.shape(features)} and labels {labels.shape}; expected [n, dims] and [n]"
        )
    if labels.dtype.kind not in "iu":
        raise DataError(
            f"labels are {labels.dtype}; expected integers, the row of the table of each image's "
            "class"
        )
    count = len(tables[0].classes)
    if labels.size and (labels.min() < 0 or labels.max() >= count):
        raise DataError(
            f"labels from {labels.min()} to {labels.max()} for the {count} classes of "
            f"{tables[0].name}; expected 0 to {count - 1}, the row of each image's class"
        )
