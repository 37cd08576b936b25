"""Folders of wav files, named by what is said and who says it, or listed by a csv."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.sources.csv_table import read_csv_table
from jtransfer.data.sources.wav import RATES, read_wav, resample
from jtransfer.data.utterances import Utterances
from jtransfer.files.listing import entries
from jtransfer.files.names import path_within

COLUMNS = ("path", "label", "speaker")
_NAME = re.compile(r"(?P<label>[^_]+)_(?P<speaker>.+)_(?P<index>\d+)")
_ADDRESS = (
    "The Free Spoken Digit Dataset is at https://github.com/Jakobovski/free-spoken-digit-dataset, "
    "folder recordings"
)


def load_wav_folder(what: str, root: Path, *, rate: int | None = None) -> Utterances:
    """Read the utterances of the folder `<root>/<what>`.

    If the folder has a `.csv`, it lists them, one a row, in the columns path (of a file in the
    folder or one below), label and speaker; other columns are passed over. Otherwise every `.wav`
    is one, named `<label>_<speaker>_<index>.wav`.

    Args:
      what: name of the folder, such as `fsdd`.
      root: the data root.
      rate: samples a second; by default what most files have. The others are resampled, of which
        there is a note.

    Returns:
      The utterances in the order of the list, or of the files' names; classes and speakers in the
      order of their names.

    Raises:
      DataError: if the folder is missing, a name or row cannot be understood, or a file cannot be
        read.
    """
    folder = root / what
    absent = (
        "expected wav files there, named <label>_<speaker>_<index>.wav or listed by a csv of "
        f"path,label,speaker. {_ADDRESS}: put it there, or name the right data root by "
        "--data-root or JTRANSFER_DATA"
    )
    files = entries(folder, error=DataError, absent=absent)
    if rate is not None and not RATES[0] <= rate <= RATES[1]:
        raise DataError(f"a rate of {rate:,} Hz; expected {RATES[0]} to {RATES[1]:,}")
    rows = _listed(folder, files)
    read = [read_wav(path) for path, _, _ in rows]
    rates = Counter(each for _, each in read)
    wanted = rate or rates.most_common(1)[0][0]
    notes = tuple(
        f"{count:,} of {len(rows):,} utterances resampled from {each} Hz to {wanted} Hz"
        for each, count in sorted(rates.items())
        if each != wanted
    )
    labels, classes = _numbered([label for _, label, _ in rows])
    speakers, names = _numbered([speaker for _, _, speaker in rows])
    samples = tuple(resample(each, own, wanted) for each, own in read)
    return Utterances(samples, labels, speakers, classes, names, wanted, f"wav:{what}", notes)


def _listed(folder: Path, files: Sequence[Path]) -> list[tuple[Path, str, str]]:
    """Path, label and speaker of every utterance."""
    lists = [each for each in files if each.suffix.lower() == ".csv"]
    if len(lists) > 1:
        raise DataError(
            f"{folder} has {len(lists)} lists, {', '.join(each.name for each in lists)}; expected "
            "one csv. Keep the one that counts"
        )
    rows = _from_csv(lists[0]) if lists else _from_names(files)
    if not rows:
        where = lists[0] if lists else folder
        raise DataError(f"{where} names no wav file; expected at least one utterance. Add some")
    return rows


def _from_csv(file: Path) -> list[tuple[Path, str, str]]:
    table = read_csv_table(file, "a table of path, label and speaker")
    rows: list[tuple[Path, str, str]] = []
    listed: set[Path] = set()
    for line, row in table.of(*COLUMNS):
        if not all(row.values()):
            raise DataError(
                f"{file}, line {line}: {dict(row)}; expected a path, a label and a speaker. Fill "
                "the gap or remove the line"
            )
        try:
            path = path_within(file.parent, row["path"])
        except ValueError as error:
            raise DataError(
                f"{file}, line {line}: {error}; expected a path from the list's folder on, such as "
                "a/b.wav. Put the sound there"
            ) from error
        if path in listed:
            raise DataError(
                f"{file}, line {line} lists {row['path']} again; expected every sound once. Remove "
                "one of the lines"
            )
        listed.add(path)
        rows.append((path, row["label"], row["speaker"]))
    return rows


def _from_names(files: Sequence[Path]) -> list[tuple[Path, str, str]]:
    rows = []
    for path in files:
        if path.suffix.lower() != ".wav":
            continue
        match = _NAME.fullmatch(path.stem)
        if match is None:
            raise DataError(
                f"{path} has a name that says nothing; expected <label>_<speaker>_<index>.wav, "
                "such as 7_theo_0.wav. Rename it, or list the files in a csv of path,label,speaker"
            )
        rows.append((path, match["label"], match["speaker"]))
    return rows


def _numbered(names: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Positions among the different names, which are sorted."""
    different, positions = np.unique(names, return_inverse=True)
    return positions, tuple(map(str, different))
