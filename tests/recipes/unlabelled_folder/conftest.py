"""A folder of coloured squares, and one of the same colours in other light and without labels."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jtransfer.recipes.unlabelled_folder import adapt as adapt_module
from tests.recipes.own_folder.conftest import COLOURS, square, toy_trunk as own_folder_toy_trunk

__all__ = ["own_folder_toy_trunk"]  # a fixture


@pytest.fixture
def toy_trunk(own_folder_toy_trunk, monkeypatch):
    monkeypatch.setattr(adapt_module, "load_trunk", lambda name: own_folder_toy_trunk)
    monkeypatch.setattr(adapt_module, "at_hand", lambda: (own_folder_toy_trunk.name,))
    return own_folder_toy_trunk


def write_squares(folder: Path, names: dict[str, str], *, seed: int, light: float = 1.0) -> None:
    """Squares of colours by their files' names, below a folder.

    Args:
      folder: to write to.
      names: file, relative to the folder, to colour.
      seed: of the noise.
      light: factor on it all.
    """
    rng = np.random.default_rng(seed)
    for name, colour in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = light * square(rng, COLOURS[colour]).astype(float)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / name)


@pytest.fixture
def domains(tmp_path) -> tuple[Path, Path]:
    """Labelled squares, 8 of each of three colours, and 24 darker ones in a flat folder."""
    source, target = tmp_path / "day", tmp_path / "night"
    write_squares(source, {f"{c}/{n}.png": c for c in COLOURS for n in range(8)}, seed=0)
    write_squares(target, {f"{c}-{n}.png": c for c in COLOURS for n in range(8)}, seed=1, light=0.5)
    return source, target
