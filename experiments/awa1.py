"""Animals with Attributes 1: features of images, seen and unseen classes, their signatures."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.loading import data_folder
from jtransfer.data.sources.attributes import ClassTable, read_awa1, require_finite
from jtransfer.data.sources.npz_archive import open_npz
from jtransfer.data.sources.word_vectors import class_vectors, read_word_vectors, words_of
from jtransfer.train.fingerprints import fingerprint
from jtransfer.transfer.zero_shot.class_signatures import require_disjoint, require_distinct


@dataclass(frozen=True, eq=False)
class ZeroShotData:
    """Features and classes of one data set.

    Attributes:
      features: {descriptor: [n, dims] float32, not negative}.
      labels: [n] positions in `classes`.
      classes: names.
      seen: positions of the classes with training images, ascending.
      unseen: positions of the others.
      tables: {kind of knowledge: a complete table with the rows of `classes`}.
      name: of the data set.
    """

    features: dict[str, np.ndarray]
    labels: np.ndarray
    classes: tuple[str, ...]
    seen: np.ndarray
    unseen: np.ndarray
    tables: dict[str, ClassTable]
    name: str

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with anything but the name."""
        of_features = [part for each in sorted(self.features.items()) for part in each]
        of_tables = [
            part
            for kind, table in sorted(self.tables.items())
            for part in (kind, table.classes, table.attributes, table.values)
        ]
        return fingerprint(
            self.labels, self.classes, self.seen, self.unseen, *of_features, *of_tables
        )


def load_awa1(
    data_root: Path | str | None = None, words: str = "glove_6b_100d.npz"
) -> ZeroShotData:
    """Animals with Attributes 1: 40 seen and 10 unseen classes, two of its six features.

    Args:
      data_root: folder with `awa1.npz` and the word vectors; by default as everywhere.
      words: file of the word vectors below it.

    Raises:
      DataError: if a file is missing or cannot be used.
    """
    root = data_folder(data_root)
    file = root / "awa1.npz"
    absent = (
        "They are at attributes.kyb.tuebingen.mpg.de: put them there, or name the right data root "
        "by --data-root or JTRANSFER_DATA"
    )
    expected = "the features and attributes of Animals with Attributes 1"
    with open_npz(file, expected, absent=absent) as archive:
        rgsift, phog, labels = archive.read("rgsift_sqrt_u8", "phog_u8", "label")
        names, train, test = map(archive.text, ("class_names", "train_classes", "test_classes"))
    # rgsift is stored as the square root of its histogram, phog as the histogram.
    rgsift = (require_finite(rgsift, f"{file}, rgsift_sqrt_u8,") / 510) ** 2
    phog = require_finite(phog, f"{file}, phog_u8,") / 255
    if labels.dtype.kind not in "iu" or labels.ndim != 1 or not len(labels) == len(rgsift):
        raise DataError(
            f"{file}: label is {labels.dtype} of shape {labels.shape}; expected a class number for "
            "each of the features. It is damaged: fetch it again"
        )
    if labels.min() < 0 or labels.max() >= len(names):
        raise DataError(
            f"{file}: labels from {labels.min()} to {labels.max()}; expected 0 to "
            f"{len(names) - 1}. It is damaged: fetch it again"
        )
    labels = labels.astype(np.int64)
    require_disjoint(train, test)
    vectors = read_word_vectors(root / words, {word for name in names for word in words_of(name)})
    tables = {
        "continuous": read_awa1(file, "continuous").filled().take(names),
        "binary": read_awa1(file, "binary").take(names),
        "words": class_vectors(names, vectors, name=words),
    }
    for table in tables.values():
        require_distinct(table.complete(), names)
    position = {name: number for number, name in enumerate(names)}
    return ZeroShotData(
        features={"rgsift": rgsift, "phog": phog},
        labels=labels,
        classes=names,
        seen=np.sort([position[name] for name in train]),
        unseen=np.sort([position[name] for name in test]),
        tables=tables,
        name="AwA1",
    )


def rooted(features: dict[str, np.ndarray], weights: dict[str, float]) -> np.ndarray:
    """Histograms for linear models: square roots, each descriptor of the length of its weight.

    Products of square roots of histograms are their Bhattacharyya coefficient, and a Euclidean
    distance the Hellinger distance (Arandjelovic & Zisserman 2012, "Three things everyone should
    know to improve object retrieval", section 3).

    Args:
      features: {descriptor: [n, dims]}, not negative.
      weights: {descriptor: length}.

    Returns:
      [n, all dims] float32.
    """
    parts = []
    for name, weight in weights.items():
        roots = np.sqrt(features[name])
        roots /= np.maximum(np.linalg.norm(roots, axis=1, keepdims=True), 1e-12)
        parts.append(np.float32(weight) * roots)
    return np.concatenate(parts, axis=1)
