"""Drawn beside photographed traffic signs, all classes on one sheet.

For each class, drawn signs above and photographs of GTSRB's training set beneath, at the size of
the photographs:

    python -m experiments.draw_signs --out docs/signs.png

The labels of the photographs only choose what is shown; nothing is trained. Some seconds.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.command import run_command
from jtransfer.data import DataError, Examples, images, load, require_same_classes
from jtransfer.files.writing import writing

MARGIN = 3  # white pixels around a class's images
CAPTION = 12  # height of a class's name in pixels


@dataclass(frozen=True)
class Config:
    """Settings of the sheet."""

    drawn: str = "synthetic:signs"  # upper row of each class
    real: str = "npz:gtsrb32"  # lower row of each class
    each: int = 3  # images of a class in a row
    columns: int = 9  # classes beside each other
    draw: int = 1200  # signs to draw; the first of each class are shown
    colours: int = 255  # colours of the PNG; few keep the file small
    seed: int = 0  # seed of the drawing and of the choice of photographs
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    out: Path = Path("checkpoints/draw_signs/signs.png")  # the picture


def sheet(upper: Examples, lower: Examples, *, each: int, columns: int, seed: int) -> np.ndarray:
    """Random images of each class, those of `upper` above those of `lower`, under its name.

    Args:
      upper: images [n, side, side, 3].
      lower: images [m, side, side, 3] of the same side and classes.
      each: images of a class from either.
      columns: classes beside each other.
      seed: of the choice.

    Returns:
      [height, width, 3] uint8.

    Raises:
      DataError: naming a class with fewer images.
    """
    from PIL import Image, ImageDraw

    random = np.random.default_rng(seed)
    side = upper.images.shape[1]
    width, height = each * side + 2 * MARGIN, 2 * side + 2 * MARGIN + CAPTION
    rows = -(-len(upper.classes) // columns)
    page = Image.new("RGB", (columns * width, rows * height), "white")
    pen = ImageDraw.Draw(page)
    for label, name in enumerate(upper.classes):
        row, column = divmod(label, columns)
        left, top = column * width + MARGIN, row * height + MARGIN
        pen.text((left, top - 2), name, "black")
        for below, examples in enumerate((upper, lower)):
            available = np.flatnonzero(examples.labels == label)
            if len(available) < each:
                raise DataError(
                    f"{examples.name} has {len(available)} images of the class {name}; expected "
                    f"at least {each}. Show fewer by --each, or draw more by --draw"
                )
            strip = np.concatenate(
                examples.images[random.choice(available, each, replace=False)], axis=1
            )
            page.paste(Image.fromarray(strip), (left, top + CAPTION + below * side))
    return np.asarray(page)


def main(config: Config) -> Path:
    """Write the sheet."""
    from PIL import Image

    real = load(config.real, "train", data_root=config.data_root)
    drawn = images.fit(
        load(config.drawn, "train", data_root=config.data_root, size=config.draw, seed=config.seed),
        size=real.images.shape[1],
    )
    require_same_classes(drawn, real)
    page = sheet(drawn, real, each=config.each, columns=config.columns, seed=config.seed)
    config.out.parent.mkdir(parents=True, exist_ok=True)
    with writing(config.out) as stream:
        Image.fromarray(page).quantize(config.colours).save(stream, "PNG", optimize=True)
    print(f"wrote {config.out}: drawn signs above, photographs beneath, for each class")
    return config.out


if __name__ == "__main__":
    run_command(main, Config, __doc__)
