import stat

import numpy as np
import pytest

from jtransfer.measure import confusion_figure
from jtransfer.measure.canvas import fit_title, new_figure, png_path, save, shorten
from tests.measure.picture import pixels_of


def test_a_figure_has_its_size_and_says_nothing_of_when_it_was_made(tmp_path):
    for name in ("a.png", "b.png"):
        save(new_figure(2, 1, dpi=50), tmp_path / "new folder" / name)
    first, second = (tmp_path / "new folder" / name for name in ("a.png", "b.png"))
    assert pixels_of(first).shape == (50, 100, 3)
    assert first.read_bytes() == second.read_bytes()
    # Others may read it, and no partial file is left.
    assert stat.S_IMODE(first.stat().st_mode) & stat.S_IRUSR
    assert sorted(file.name for file in first.parent.iterdir()) == ["a.png", "b.png"]


def test_a_figure_that_fails_leaves_the_old_one(tmp_path):
    file = tmp_path / "a.png"
    file.write_bytes(b"old")
    figure = new_figure(2, 1, dpi=50)

    def fail(*_, **__):
        raise OSError("disk full")

    figure.savefig = fail
    with pytest.raises(OSError, match="disk full"):
        save(figure, file)
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_only_png():
    with pytest.raises(ValueError, match=r"written as PNG, given 'a\.pdf'; end the name in \.png"):
        png_path("a.pdf")


def test_long_texts():
    assert shorten("short", 5) == "short"
    assert shorten("longer", 5) == "long…"
    # 10 points are 10 / 72 inches; a letter takes 0.7 of it: 20 letters take 1.94 inches.
    assert fit_title("ten letter words here", 1.95, points=10) == "ten letter words\nhere"


def test_names_that_are_no_text_are_drawn(tmp_path):
    name = b"caf\xe9".decode(errors="surrogateescape")  # of a folder named in Latin-1
    assert shorten(name, 9) == "caf?"
    confusion_figure(np.eye(2), (name, "b"), tmp_path / "a.png", title=name)
    assert (tmp_path / "a.png").exists()
