import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.weights.catalogue.table import PRETRAINED
from jtransfer.nets.weights.preprocessing import Preprocessing
from jtransfer.recipes.preprocessing import crop_of

ALEXNET = PRETRAINED["alexnet_2014"].preprocessing


def test_pixels_are_normalised_by_hand():
    """(255 / 255 - .485) / .229, (51 / 255 - .456) / .224, (0 - .406) / .225."""
    pixels = jnp.array([255, 51, 0], jnp.uint8)
    expected = [2.24890829, -1.14285714, -1.80444444]
    for shape in ((3,), (1, 1, 1, 3)):
        measured = jax.jit(ALEXNET.normalise)(pixels.reshape(shape))
        assert measured.dtype == jnp.float32
        np.testing.assert_allclose(measured, np.reshape(expected, shape), rtol=1e-6)


@pytest.mark.parametrize(
    ("size", "share", "resize"),
    [(224, 0.875, 256), (240, 0.882, 272), (260, 0.89, 292), (224, 0.95, 235), (518, 1.0, 518)],
)
def test_the_shorter_side_as_timm_computes_it(size, share, resize):
    crop = crop_of(Preprocessing(size, share, "bicubic", (0.5,) * 3, (0.5,) * 3))
    assert (crop.resize, crop.size, crop.views, crop.interpolation) == (resize, size, 1, "bicubic")


def test_another_size_keeps_the_share():
    assert (ALEXNET.at(160).size, ALEXNET.at(160).resize) == (160, 182)
