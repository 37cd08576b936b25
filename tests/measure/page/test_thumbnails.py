from io import BytesIO

import numpy as np
import pytest

from jtransfer.data.sources.image_opening import decoded
from jtransfer.measure.page import thumbnail
from jtransfer.measure.page.content import media_type


@pytest.mark.parametrize(
    ("shape", "size", "mode"),
    [
        ((200, 400, 3), (96, 48), "RGB"),
        ((400, 200), (48, 96), "L"),
        ((10, 20, 1), (20, 10), "L"),
        ((1, 5000, 3), (96, 1), "RGB"),
    ],
)
def test_a_thumbnail_keeps_the_shape(shape, size, mode):
    picture = thumbnail(np.full(shape, 200, np.uint8))
    assert media_type(picture) == "image/jpeg"
    with decoded(BytesIO(picture), "a thumbnail") as image:
        assert (image.size, image.mode) == (size, mode)
        np.testing.assert_allclose(np.asarray(image), 200, atol=2)


def test_a_thumbnail_of_noise_is_small():
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    assert len(thumbnail(noise)) < 10_000


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)],
)
def test_what_is_no_image_is_refused(image):
    with pytest.raises(ValueError, match="expected uint8"):
        thumbnail(image)


def test_a_thumbnail_is_not_large():
    with pytest.raises(ValueError, match="97 pixels"):
        thumbnail(np.zeros((4, 4, 3), np.uint8), pixels=97)
