"""Find the images of a folder that are nearest to others.

    jtransfer search efficientnet_lite0 photos like-this.jpg
    jtransfer search pets-model photos a.jpg b.jpg --count 20 --sheet found.png

The features of the folder are taken once and kept.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True)
class Config:
    """Settings of `jtransfer search`."""

    # Folder of a model, or the name of a net with published weights, such as efficientnet_lite0.
    by: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NET")]
    # Folder of the images to search.
    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
    # Images to ask with.
    queries: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="IMAGE...")]
    # How many images to find for each of them.
    count: int = 10
    # PNG to write, a sheet of the images found; must not exist yet. Without it none is drawn.
    sheet: Path | None = None
    # At an image of the folder that cannot be read: stop there, or leave it out and say so.
    on_unreadable: Literal["stop", "skip"] = "skip"
    # Processes that decode images.
    workers: int = 2


def main(config: Config) -> None:
    """Search, and print the files."""
    from jtransfer.recipes.own_folder.frozen_trunk import load_trunk
    from jtransfer.recipes.own_folder.model_folder import load_model
    from jtransfer.recipes.own_folder.search import search_folder, write_contact_sheet

    is_model = (Path(config.by) / "model.json").exists()
    found = search_folder(
        load_model(config.by).trunk if is_model else load_trunk(config.by),
        config.folder,
        config.queries,
        count=config.count,
        on_unreadable=config.on_unreadable,
        workers=config.workers,
    )
    for query, paths, cosines in zip(found.queries, found.paths, found.cosines, strict=True):
        print(query)
        for path, cosine in zip(paths, cosines.tolist(), strict=True):
            print(f"  {cosine:.3f} {path}")
    if config.sheet is not None:
        write_contact_sheet(found, config.sheet)
        print(f"drawn in {config.sheet}")
