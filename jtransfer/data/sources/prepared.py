"""Folders of data sets that TensorFlow Datasets prepared, read as what they are: data.

The library itself imports the modules that `features.json` names, which runs them. Here its json
files are read as text, features of its own classes are known by name, and no other is.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from jtransfer.data.examples import MOST_CLASSES, DataError
from jtransfer.data.sources.array_record import read_records
from jtransfer.data.sources.tf_example import read_example
from jtransfer.files.listing import entries
from jtransfer.files.names import plain_name
from jtransfer.files.reading import is_there, read_text, reading

_INFO = "dataset_info.json"
FORMAT = "array_record"  # the one that is read by position, without TensorFlow
_TEMPLATE = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
# The feature classes of tensorflow-datasets, by the names that it writes. A set may have others of
# these than are asked for; none of them is imported.
_CLASSES = {
    f"tensorflow_datasets.core.features.{name}": name.rpartition(".")[2]
    for name in (
        "audio_feature.Audio",
        "bounding_boxes.BBoxFeature",
        "class_label_feature.ClassLabel",
        "dataset_feature.Dataset",
        "feature.Tensor",
        "features_dict.FeaturesDict",
        "image_feature.Image",
        "labeled_image.LabeledImage",
        "scalar.Scalar",
        "sequence_feature.Sequence",
        "tensor_feature.Tensor",
        "text_feature.Text",
        "translation_feature.Translation",
        "translation_feature.TranslationVariableLanguages",
        "video_feature.Video",
    )
}


@dataclass(frozen=True, eq=False)
class Prepared:
    """A prepared set, its examples unread.

    Attributes:
      what: the set's name, for messages.
      folder: that holds it.
      features: {name: as `features.json` describes it}.
      shards: {split: ((file, number of records), ...)}.
      remedy: how to prepare it anew, for messages.
    """

    what: str
    folder: Path
    features: Mapping[str, Any]
    shards: Mapping[str, tuple[tuple[Path, int], ...]]
    remedy: str

    def kind(self, feature: str) -> str:
        """Name of a feature's class, such as Image; of a sequence with what is in it."""
        return _kind(self.features[feature])

    def classes(self, feature: str) -> tuple[str, ...]:
        """Names of the classes of a ClassLabel or a sequence of them.

        Raises:
          DataError: if there are none, more than `MOST_CLASSES`, or not as many as names.
        """
        described = self.features[feature]
        described = described.get("sequence", {}).get("feature", described)
        with self._named(self.folder / "features.json"):
            count = int(described["classLabel"]["numClasses"])
        if not 0 < count <= MOST_CLASSES:
            raise DataError(
                f"tfds:{self.what} has {count:,} classes in {feature}; expected 1 to "
                f"{MOST_CLASSES:,}. {self.remedy}"
            )
        file = self.folder / f"{feature}.labels.txt"
        if not is_there(file):
            return tuple(map(str, range(count)))
        with self._named(file):
            names = tuple(line.strip() for line in read_text(file).split("\n") if line.strip())
            if len(names) != count:
                raise ValueError(f"{len(names):,} names for {count:,} classes")
        return names

    def count(self, split: str) -> int:
        """How many examples a split has."""
        return sum(records for _, records in self.shards[split])

    def read(self, split: str, *features: str) -> Iterator[dict[str, list[Any]]]:
        """Read the examples of a split: {feature: the bytes or integers that it has}.

        Raises:
          DataError: if a file is missing or damaged.
        """
        for file, records in self.shards[split]:
            with self._named(file):
                for record in read_records(file, records):
                    example = read_example(record, features)
                    # A list without values is not written.
                    yield {name: example.get(name, []) for name in features}

    def _named(self, file: Path) -> Any:
        return _reading(file, self.remedy)


def open_prepared(what: str, splits: Iterable[str], root: Path) -> Prepared:
    """Look into a prepared set, which is at hand in the format that needs no TensorFlow.

    Args:
      what: its name, with the configuration if it has several: `svhn_cropped`, `voc/2007`.
      splits: names of splits, all of which it must have.
      root: the data root.

    Raises:
      DataError: if the set is not prepared, is in another format or damaged, or lacks a split; or
        if it has features of classes that are not those of tensorflow-datasets.
    """
    remedy = (
        'Prepare it once by: pip install "jtransfer[prepare]" && '
        f"python -m jtransfer.data.sources.tfds {what} --data-root {root}"
    )
    folder = _newest_version(root / "tfds" / what)
    if folder is None:
        raise DataError(
            f"found no prepared data set {what} in {root / 'tfds'}; expected "
            f"{root / 'tfds' / what}/<version>/dataset_info.json. {remedy}"
        )
    file = folder / _INFO
    with _reading(file, remedy):
        info = json.loads(read_text(file))
        written = info.get("fileFormat")
        if written != FORMAT:
            raise DataError(
                f"{folder} was written as {written}; expected {FORMAT}, which can be read without "
                f"TensorFlow. Remove it. {remedy}"
            )
        shards = {split["name"]: _shards(folder, info["name"], split) for split in info["splits"]}
    file = folder / "features.json"
    with _reading(file, remedy):
        described = json.loads(read_text(file))
        _require_known(described, file)
        features = described["featuresDict"]["features"]
        for each in features.values():
            _kind(each)
    for split in splits:
        if split not in shards:
            raise DataError(
                f"tfds:{what} has no split {split!r}; it has {sorted(shards)}. Choose one of these"
            )
    return Prepared(what, folder, features, shards, remedy)


def _reading(file: Path, remedy: str) -> Any:
    damaged = f"It is truncated or damaged: remove the set. {remedy}"
    absent = f"Put it back. {remedy}"
    whole = "a whole file of a prepared data set"
    return reading(file, whole, error=DataError, absent=absent, damaged=damaged)


def _shards(folder: Path, name: str, split: Mapping[str, Any]) -> tuple[tuple[Path, int], ...]:
    """Files of a split, in its folder, and how many records each has."""
    plain_name(split["name"])
    lengths = [int(length) for length in split.get("shardLengths", [])]
    if min(lengths, default=0) < 0:
        raise ValueError(f"a shard of {min(lengths)} records")
    total = f"{len(lengths):05d}"
    template = split.get("filepathTemplate") or _TEMPLATE
    files = []
    for number in range(len(lengths)):
        words = {"DATASET": name, "SPLIT": split["name"], "FILEFORMAT": FORMAT, "NUM_SHARDS": total}
        words |= {"SHARD_INDEX": f"{number:05d}", "SHARD_X_OF_Y": f"{number:05d}-of-{total}"}
        filled = re.sub(r"\{(\w+)\}", partial(_word, words), template)
        files.append(folder / plain_name(filled))
    return tuple(zip(files, lengths, strict=True))


def _word(words: Mapping[str, str], match: re.Match[str]) -> str:
    return words[match[1]]


def _require_known(described: object, file: Path) -> None:
    """Refuse features of classes that are not tensorflow-datasets' own, however deep they lie."""
    if isinstance(described, list):
        for each in described:
            _require_known(each, file)
    if isinstance(described, dict):
        # The first is of this format; the second of sets written before version 4.4.
        for key in ("pythonClassName", "type"):
            named = described.get(key)
            if isinstance(named, str) and named not in _CLASSES:
                raise DataError(
                    f"{file} names a feature of the class {named!r}; expected those of "
                    "tensorflow-datasets, such as its Image and ClassLabel. Nothing of it was run: "
                    "take a set from a place that you trust"
                )
        for each in described.values():
            _require_known(each, file)


def _kind(described: Mapping[str, Any]) -> str:
    kind = _CLASSES[described["pythonClassName"]]
    if kind == "Sequence":
        return f"Sequence({_kind(described['sequence']['feature'])})"
    return kind


def _newest_version(folder: Path) -> Path | None:
    found = [each for each in entries(folder, error=DataError) if is_there(each / _INFO)]
    return max(found, key=lambda path: _version(path.name), default=None)


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.split(".") if part.isdigit())
