"""Name images of classes that nobody showed an example of.

    jtransfer name photos --classes "red fox" wolf badger --out named.csv
    jtransfer name photos --attributes animals.csv --seen zoo

By their names: CLIP's towers tell which name goes with an image. By their attributes: a csv with a
row for each class (its name, then numbers or yes/no), and a folder of images of other classes of
the table, from which it is learned what goes with which attribute. Where a photograph's own folder
is called as one of the classes, it says how many were right.
"""

import csv
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

if TYPE_CHECKING:
    from jtransfer.recipes.own_folder.naming import Named


@dataclass(frozen=True)
class Config:
    """Settings of `jtransfer name`."""

    # Folder of the images, in folders below it or not.
    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
    # Names to choose from, such as "red fox" wolf; by default those of the folders below,
    # or with --attributes the classes of the table that --seen shows no image of.
    classes: tuple[str, ...] = ()
    # csv to write; must not exist yet. By default the lines are printed.
    out: Path | None = None
    # csv of attributes, a row for each class, to name by instead of CLIP; together with --seen.
    attributes: Path | None = None
    # Folder of labelled images to learn attributes from, with a folder for each class of the table.
    seen: Path | None = None
    # How classes are told by attributes: ESZSL, direct (dap) or indirect (iap) attribute
    # prediction, or looking up the nearest row of the table.
    method: Literal["eszsl", "dap", "iap", "look_up"] = "eszsl"
    # CLIP to name by, or net to learn attributes on; by default one that is on this machine.
    net: str | None = None
    # File of CLIP's weights, with its publisher's names; by default the publisher's own file.
    weights: Path | None = None
    # File of CLIP's tokenizer, merges.txt or tokenizer.json; by default the publisher's own file.
    tokenizer: Path | None = None
    # At an image that cannot be read: stop there, or leave it out and say so.
    on_unreadable: Literal["stop", "skip"] = "skip"
    # Processes that decode images.
    workers: int = 2


def main(config: Config) -> None:
    """Name, and write or print the lines."""
    from jtransfer.files.reading import is_there
    from jtransfer.recipes.own_folder.naming import lines, write_names

    if config.out is not None and is_there(config.out):
        raise FileExistsError(17, "it is there already", str(config.out))
    attributes, seen = config.attributes, config.seen
    if attributes is not None and seen is not None:
        named = _by_attributes(config, attributes, seen)
    elif attributes is None and seen is None:
        named = _by_names(config)
    else:
        raise ValueError(
            "--attributes and --seen go together: the table, and images of other classes of it to "
            "learn from; expected both, or neither. Give the other one too"
        )
    if config.out is not None:
        write_names(named, config.out)
        print(f"{len(named.paths):,} images named, in {config.out}")
    else:
        csv.writer(sys.stdout, lineterminator="\n").writerows(lines(named))
    print(named.how, file=sys.stderr)
    if named.accuracy is not None:
        print(
            f"right on {named.accuracy:.1%} of the images whose folder says their class, averaged "
            "over the classes",
            file=sys.stderr,
        )


def _by_names(config: Config) -> "Named":
    from jtransfer.nets.weights.pretrained_clip import clip_at_hand, pretrained_clip
    from jtransfer.recipes.own_folder.naming import name_images

    net = config.net or (clip_at_hand() if config.weights is None else "clip_vit_b32")
    return name_images(
        config.folder,
        pretrained_clip(net, path=config.weights, tokenizer=config.tokenizer),
        classes=config.classes or None,
        on_unreadable=config.on_unreadable,
        workers=config.workers,
    )


def _by_attributes(config: Config, attributes: Path, seen: Path) -> "Named":
    from jtransfer.recipes.own_folder.frozen_trunk import at_hand, load_trunk, require_some
    from jtransfer.recipes.own_folder.naming_by_attributes import name_by_attributes

    return name_by_attributes(
        config.folder,
        attributes,
        seen,
        load_trunk(config.net or require_some(at_hand())[0]),
        classes=config.classes or None,
        method=config.method,
        on_unreadable=config.on_unreadable,
        workers=config.workers,
    )
