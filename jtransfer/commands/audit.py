"""Look a folder of images over: unreadable files, duplicates, small classes, doubtful labels.

    jtransfer audit photos
    jtransfer audit photos --out audit.html
    jtransfer audit photos/labels.csv --no-judge-labels

A folder is one folder for each class, train/val/test with such folders below, images alone, or a
csv of files and labels. Which labels are doubtful is said by the other images: a net trained on
ImageNet looks at all of them, and a probe learns the classes of some and judges the others.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True)
class Config:
    """Settings of an audit."""

    # Folder of the images, or a csv of files and labels.
    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
    # Page (HTML) with the pictures to write; must not exist yet. Without it none is written.
    out: Path | None = None
    # Say which labels are doubtful, which takes longest.
    judge_labels: bool = True
    # Folder where the net's features are kept, so that a second look is quick.
    cache: Path = Path("checkpoints/features")
    # At an image that cannot be read: stop there, or list it and go on.
    on_unreadable: Literal["stop", "skip"] = "skip"
    # Processes that decode images.
    workers: int = 2
    # The most lines of each list that are printed.
    most: int = 20


def main(config: Config) -> None:
    """Print what an audit finds, and write its page."""
    from jtransfer.recipes.audit.audit import audit
    from jtransfer.recipes.audit.printed import printed

    if config.out is not None and config.out.exists():
        raise FileExistsError(17, "it is there already", str(config.out))
    found = audit(
        config.folder,
        judge_labels=config.judge_labels,
        cache_folder=config.cache,
        on_unreadable=config.on_unreadable,
        workers=config.workers,
    )
    print(printed(found, most=config.most))
    if config.out is not None:
        from jtransfer.measure.page.rendering import write_page
        from jtransfer.recipes.audit.page import audit_report

        write_page(audit_report(found), config.out)
        print(f"\nwritten: {config.out}")
