"""Tell the classes of images by a model of `jtransfer fit` or `jtransfer adapt`.

    jtransfer predict pets-model new/            # all images below a folder
    jtransfer predict pets-model a.jpg b.jpg --out said.csv

Each line has the file, the likeliest class and its probability, the second likeliest, and whether
the model is unsure.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True)
class Config:
    """Settings of `jtransfer predict`."""

    # Folder of the model.
    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    # Image files, or folders of such.
    paths: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="IMAGE...")]
    # csv to write; must not exist yet. By default the lines are printed.
    out: Path | None = None
    # Name the nearest of the images that the model learned from; it must have been
    # fitted with --keep-features.
    explain: bool = False
    # At an image that cannot be read: stop there, or leave it out and say so.
    on_unreadable: Literal["stop", "skip"] = "skip"
    # Images that go through the net at a time; fewer take less memory.
    batch: int = 32
    # Processes that decode images, where these are many or large.
    workers: int = 2


def main(config: Config) -> None:
    """Predict, and write the table."""
    from jtransfer.recipes.own_folder.prediction_table import write_predictions

    told = write_predictions(
        config.model,
        config.paths,
        config.out,
        explain=config.explain,
        on_unreadable=config.on_unreadable,
        batch=config.batch,
        workers=config.workers,
    )
    if config.out is not None:
        print(f"{told:,} images told, in {config.out}")
