import numpy as np
import pytest
from PIL import Image

from experiments.draw_signs import CAPTION, MARGIN, Config, main, sheet
from jtransfer.data import DataError, Examples
from jtransfer.data.sources.decoding import read_rgb


def of_greys(name, greys):
    """Four images of two classes, all pixels of an image as grey as said."""
    images = np.broadcast_to(np.array(greys, np.uint8)[:, None, None, None], (4, 8, 8, 3))
    return Examples(images, np.array([0, 0, 1, 1]), ("0", "1"), name)


def test_each_class_shows_its_own_images_the_first_domain_above():
    page = sheet(
        of_greys("drawn", [10, 10, 20, 20]),
        of_greys("real", [110, 110, 120, 120]),
        each=2,
        columns=2,
        seed=0,
    )
    width = 2 * 8 + 2 * MARGIN
    assert page.shape == (2 * 8 + 2 * MARGIN + CAPTION, 2 * width, 3)
    first = MARGIN + CAPTION
    for column, greys in enumerate(([10, 110], [20, 120])):
        left = column * width + MARGIN
        for row, grey in enumerate(greys):
            there = page[first + 8 * row : first + 8 * row + 8, left : left + 16]
            assert (there == grey).all()


def test_a_class_with_too_few_images_is_named():
    drawn = of_greys("drawn", [1, 2, 3, 4])
    with pytest.raises(DataError, match=r"drawn has 2 images of the class 0; expected at least 3"):
        sheet(drawn, drawn, each=3, columns=2, seed=0)


def test_the_picture_is_written(tmp_path):
    folder = tmp_path / "sign_pictograms"
    folder.mkdir()
    for name in ("0", "1"):
        Image.new("RGBA", (30, 30), "red").save(folder / f"{name}.png")
    real = of_greys("real", [1, 2, 3, 4])
    np.savez(tmp_path / "real.npz", train_image=real.images, train_label=real.labels)
    config = Config(
        real="npz:real", each=1, draw=12, data_root=tmp_path, out=tmp_path / "docs" / "signs.png"
    )
    assert read_rgb(main(config)).width > 16
