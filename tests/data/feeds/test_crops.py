import numpy as np
import pytest
from PIL import Image

from jtransfer.data import DataError
from jtransfer.data.feeds.crops import Crop


def located(width, height):
    """An image whose red and green say the column and the row."""
    rows, columns = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([columns, rows, 0 * rows], -1).astype(np.uint8))


def corner(view):
    """Column and row of the image at a view's top left pixel."""
    return view[0, 0, :2].tolist()


@pytest.mark.parametrize(
    ("width", "height", "left_top"),
    [
        (12, 8, [4, 2]),
        (8, 12, [2, 4]),
        (11, 8, [4, 2]),  # 3.5 is rounded to the even number ...
        (9, 8, [2, 2]),  # ... and so is 2.5, as torchvision does
    ],
)
def test_the_centre_is_cut_out(width, height, left_top):
    left, top = left_top
    cut = Crop(resize=8, size=4)(located(width, height))
    expected = np.asarray(located(width, height))[top : top + 4, left : left + 4]
    np.testing.assert_array_equal(cut, expected)
    assert cut.dtype == np.uint8


def test_ten_views_are_corners_and_centre_then_mirrored():
    views = Crop(resize=8, size=6, views=10)(located(12, 8))
    assert views.shape == (10, 6, 6, 3)
    assert [corner(view) for view in views[:5]] == [[0, 0], [6, 0], [0, 2], [6, 2], [3, 1]]
    np.testing.assert_array_equal(views[1, :, :, 0], np.tile(np.arange(6, 12), (6, 1)))
    np.testing.assert_array_equal(views[5:], views[:5, :, ::-1])
    assert corner(views[5]) == [5, 0]


def test_the_centre_of_ten_views_is_the_one_view():
    image = located(13, 9)
    np.testing.assert_array_equal(Crop(9, 4, views=10)(image)[4], Crop(9, 4)(image))


def test_halving_weighs_four_pixels_as_a_triangle_of_twice_the_width():
    line = np.array([0, 0, 0, 80, 160, 160, 160, 160], np.uint8)
    image = Image.fromarray(np.tile(line[None, :, None], (8, 1, 3)))
    halved = Crop(resize=4, size=4)(image)
    # 80 * 3/8 + 160 * 1/8 = 50 and 80 * 1/8 + 160 * 7/8 = 150
    np.testing.assert_array_equal(halved, np.tile([[[0], [50], [150], [160]]], (4, 1, 3)))


def test_the_longer_side_is_rounded_down():
    views = Crop(resize=32, size=32, views=10)(located(100, 67))  # 47.76 columns become 47
    first, last = views[1, 0, 0, 0], views[1, 0, -1, 0]
    assert first == pytest.approx((15 + 0.5) * 100 / 47 - 0.5, abs=1)
    assert last == pytest.approx((46 + 0.5) * 100 / 47 - 0.5, abs=1)


def test_a_small_image_is_scaled_up():
    image = Image.new("RGB", (2, 3), (7, 8, 9))
    np.testing.assert_array_equal(Crop(8, 6)(image), np.full((6, 6, 3), (7, 8, 9)))


@pytest.mark.parametrize("side", [1, 3, 7, 97, 255, 333, 1001])
def test_the_shorter_side_is_exact_at_every_scale(side):
    assert Crop(31, 31, views=10)(Image.new("RGB", (side, side))).shape == (10, 31, 31, 3)


def test_crops_that_cannot_be_are_refused():
    with pytest.raises(DataError, match="a crop of 224 pixels from a shorter side of 200"):
        Crop(resize=200)
    with pytest.raises(DataError, match="at least 1"):
        Crop(size=0)
    with pytest.raises(DataError, match=r"5 views of an image; expected 1 \(centre\) or 10"):
        Crop(views=5)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("size", [(60_000, 1), (1, 60_000), (60_000, 3)])
@pytest.mark.parametrize("views", [1, 10])
def test_a_long_image_is_cut_before_it_is_scaled(size, views, monkeypatch):
    """Whole at a shorter side of 256, that of 60,000 x 1 would be 15 million pixels wide."""
    made = []
    resize = Image.Image.resize

    def measured(self, size, *arguments, **options):
        made.append(size[0] * size[1])
        return resize(self, size, *arguments, **options)

    monkeypatch.setattr(Image.Image, "resize", measured)
    cut = Crop(256, 224, views)(Image.new("RGB", size, (7, 8, 9)))
    assert (cut == (7, 8, 9)).all()
    assert cut.shape[-3:] == (224, 224, 3)
    assert max(made) == 224 * 224


@pytest.mark.parametrize("crop", [Crop(32, 32, 10), Crop(100, 7, 10), Crop(67, 60, 10), Crop(300)])
def test_views_scaled_alone_are_those_of_the_whole(crop, monkeypatch):
    noise = np.random.default_rng(0).integers(256, size=(67, 301, 3), dtype=np.uint8)
    for pixels in (noise, noise.swapaxes(0, 1)):
        whole = crop(Image.fromarray(pixels)).astype(int)
        monkeypatch.setattr("jtransfer.data.feeds.crops._WHOLE", 0)
        alone = crop(Image.fromarray(pixels))
        monkeypatch.undo()
        assert np.abs(whole - alone).max() <= 1  # rows first or columns first: rounded in between


def test_the_ends_of_a_long_image_are_its_outer_views():
    image = Image.new("RGB", (20_000, 2), (0, 0, 0))
    image.paste((200, 0, 0), (0, 0, 2, 2))
    image.paste((0, 200, 0), (19_998, 0, 20_000, 2))
    left, right, *_, centre = Crop(224, 224, views=10)(image)[:5]
    assert left[:, :100].tolist() == np.full((224, 100, 3), (200, 0, 0)).tolist()
    assert right[:, -100:].tolist() == np.full((224, 100, 3), (0, 200, 0)).tolist()
    assert not centre.any()
