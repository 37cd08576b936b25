import numpy as np
import pytest
from PIL import Image, ImageDraw

from jtransfer.data import DataError
from jtransfer.data.synthetic.pictograms import CELL, SIGN, VARIANTS, read_pictograms


def disc(path, *, ring="red", stroke=True):
    """A ring around white ground with a black stroke across, on transparent ground."""
    image = Image.new("RGBA", (96, 96))
    draw = ImageDraw.Draw(image)
    draw.ellipse((4, 4, 91, 91), fill="white", outline=ring, width=12)
    if stroke:
        draw.rectangle((44, 24, 51, 71), fill="black")
    image.save(path)


@pytest.fixture
def folder(tmp_path):
    for name, ring in (("0", "red"), ("02", "blue"), ("10", "green")):
        disc(tmp_path / f"{name}.png", ring=ring)
    return tmp_path


def test_classes_that_are_numbers_come_in_their_order(folder):
    cells, classes = read_pictograms(folder)
    assert classes == ("0", "2", "10")
    assert cells.shape == (3, VARIANTS, CELL, CELL, 4)
    assert cells.dtype == np.float32
    assert (cells >= 0).all()
    assert (cells <= 1).all()
    # Colours are times opacity, so none is larger than it.
    assert (cells[..., :3] <= cells[..., 3:] + 1e-6).all()


def test_classes_that_are_names_come_in_alphabetical_order(folder):
    disc(folder / "stop.png")
    assert read_pictograms(folder)[1] == ("0", "02", "10", "stop")


def test_a_pictogram_fills_the_middle_and_a_rim_lies_around_it(folder):
    cells, _ = read_pictograms(folder)
    border = (CELL - SIGN) // 2
    plain, rimmed = cells[0, 2], cells[0, 3]
    rows = np.flatnonzero(plain[..., 3].any(axis=1))
    assert (rows[0], rows[-1]) == (border, border + SIGN - 1)
    middle = CELL // 2
    np.testing.assert_allclose(plain[middle, border + 2], [1, 0, 0, 1], atol=0.02)
    np.testing.assert_array_equal(plain[middle, border - 1], 0)
    np.testing.assert_allclose(rimmed[middle, border - 1], 1, atol=0.02)
    assert not cells[:, :, [0, -1]].any()
    assert not cells[:, :, :, [0, -1]].any()


def test_strokes_come_thinner_as_they_are_and_bolder(folder):
    cells, _ = read_pictograms(folder)
    middle = CELL // 2
    ink = 1 - cells[0, ::2, middle, 16:40, :3].mean(axis=-1)  # a row across the stroke
    # The stroke is 8 of 88 pixels wide; fine pixels are a third of a cell's, 2 are taken, or 2 or 4
    # added.
    expected = [4.4 - 2 / 3, 4.4, 4.4 + 2 / 3, 4.4 + 4 / 3]
    np.testing.assert_allclose(ink.sum(axis=-1), expected, atol=0.35)


def test_a_folder_without_pictograms_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"found no pictograms.*00\.png.*--data-root"):
        read_pictograms(tmp_path / "nothing")


def test_two_pictograms_of_one_class_are_an_error(folder):
    disc(folder / "2.png")
    with pytest.raises(DataError, match="both name the class 2"):
        read_pictograms(folder)


def test_an_empty_or_damaged_pictogram_is_named(folder):
    Image.new("RGBA", (9, 9)).save(folder / "11.png")
    with pytest.raises(DataError, match=r"11\.png is wholly transparent"):
        read_pictograms(folder)
    (folder / "11.png").write_bytes((folder / "10.png").read_bytes()[:200])
    with pytest.raises(DataError, match=r"11\.png cannot be read .*damaged: fetch it again"):
        read_pictograms(folder)


def test_an_edit_changes_its_class_alone(folder):
    plain, _ = read_pictograms(folder)
    edited, _ = read_pictograms(
        folder, lambda pictures: {**pictures, "2": pictures["2"].rotate(90)}
    )
    np.testing.assert_array_equal(edited[[0, 2]], plain[[0, 2]])
    assert np.abs(edited[1] - plain[1]).max() > 0.5


def test_another_kind_of_file_is_named(folder):
    Image.new("RGB", (9, 9)).save(folder / "11.png", format="WEBP")
    with pytest.raises(DataError, match=r"11\.png is a WebP image; expected a whole PNG image"):
        read_pictograms(folder)


def test_a_suffix_in_capitals_counts_and_the_systems_files_do_not(folder):
    disc(folder / "11.PNG")
    (folder / "._0.png").touch()
    assert read_pictograms(folder)[1] == ("0", "2", "10", "11")
    disc(folder / "stop.png")
    disc(folder / "stop.PNG")
    with pytest.raises(DataError, match="both name the class stop"):
        read_pictograms(folder)


def test_grey_of_16_bits_is_a_pictogram(folder):
    Image.fromarray(np.full((9, 9), 0x8000, np.uint16)).save(folder / "10.png")
    cells, _ = read_pictograms(folder)
    np.testing.assert_allclose(cells[2, 2, CELL // 2, CELL // 2], [128 / 255] * 3 + [1], atol=0.01)
