"""What a model says of many files, as a csv that grows as they are read."""

import csv
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

from jtransfer.data.examples import DataError
from jtransfer.files.reading import is_there
from jtransfer.files.writing import writing
from jtransfer.recipes.own_folder.intake import image_paths
from jtransfer.recipes.own_folder.model import Model
from jtransfer.recipes.own_folder.model_folder import ModelError, load_model
from jtransfer.recipes.own_folder.pooled_features import OnUnreadable

COLUMNS = ("file", "class", "probability", "second class", "unsure")
NEAREST = ("nearest", "second nearest", "third nearest")


def write_predictions(
    model: Model | Path | str,
    paths: Sequence[Path | str],
    out: Path | str | None,
    *,
    explain: bool = False,
    on_unreadable: OnUnreadable = "skip",
    batch: int = 32,
    workers: int = 2,
) -> int:
    """Tell the classes of files, a line each, a batch in memory at a time.

    Args:
      model: or its folder.
      paths: of image files, and of folders of such.
      out: the csv, whole or not at all, which must not be there; None for standard output.
      explain: whether the three nearest of the images that the model was fitted to are named.
      on_unreadable: "stop" at an image that cannot be read, or "skip" it and say so on stderr.
      batch: images at a time.
      workers: processes that decode images; 0 decodes in this one.

    Returns:
      How many images were told.

    Raises:
      ModelError: if the model cannot be read, or the csv is there.
      DataError: if there is no image, one cannot be read, or by "skip" none can.
    """
    if out is not None and is_there(out):
        raise ModelError(
            f"{out} is there already; expected a new file. Choose another, or remove it"
        )
    model = model if isinstance(model, Model) else load_model(model)
    files = image_paths(paths)
    with ExitStack() as stack:
        if out is None:
            stream: TextIO = sys.stdout
        else:
            raw = stack.enter_context(writing(out))
            stream = TextIOWrapper(raw, encoding="utf-8", errors="surrogateescape", newline="")
            stack.callback(stream.detach)
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(COLUMNS + (NEAREST if explain else ()))
        bar = stack.enter_context(
            tqdm(total=len(files), unit="img", disable=True if out is None else None)
        )
        told = 0
        for rows, said in model.predict_files(
            files, batch=batch, workers=workers, on_unreadable=on_unreadable
        ):
            nearest = model.explain(said) if explain else [[] for _ in rows]
            columns = (said.names, said.confidence.tolist(), said.second, said.unsure.tolist())
            for row, name, probability, second, unsure, near in zip(
                rows.tolist(), *columns, nearest, strict=True
            ):
                line = (files[row], name, f"{probability:.4f}", second, "yes" if unsure else "no")
                table.writerow((*line, *(file for file, _ in near)))
            told += len(rows)
            bar.update(len(rows))
        if not told:
            raise DataError(
                f"none of the {len(files):,} images can be read; expected at least one. See to the "
                "files, or name others"
            )
        stream.flush()
    return told
