import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.data.augment.random_convolution import random_convolution
from tests.draws import normal


def images(count=6, side=8, channels=3):
    return normal(7, (count, side, side, channels))


def test_kernels_of_one_pixel_mix_the_colours_of_each_pixel():
    """With one group, each image is x (a I + (1 - a) W): find W, the same for all of them."""
    before = images()
    after = random_convolution(sizes=(1,), groups=1)(jax.random.key(0), before)
    mixes = []
    for x, y in zip(before, after, strict=True):
        matrix, residual, *_ = np.linalg.lstsq(x.reshape(-1, 3), y.reshape(-1, 3), rcond=None)
        np.testing.assert_allclose(residual, 0, atol=1e-8)
        mixes.append(matrix)
    # Each a I + (1 - a) W lies on the line from I to W, at its own place.
    lines = np.stack([(mix - np.eye(3)).ravel() for mix in mixes])
    values = np.linalg.svd(lines, compute_uv=False)
    assert values[1] < 1e-5 * values[0]
    shares = lines @ lines[0] / (lines[0] @ lines[0])
    assert (shares > 0).all()
    assert len(np.unique(shares.round(4))) == 6


@pytest.mark.parametrize("size", [1, 3, 5])
def test_a_pixel_reaches_as_far_as_the_kernel(size):
    point = jnp.zeros((4, 9, 9, 2)).at[:, 4, 4].set(1.0)
    after = random_convolution(sizes=(size,), groups=2)(jax.random.key(1), point)
    reached = np.abs(after).max(axis=(0, 3)) > 0
    far = size // 2
    expected = np.zeros((9, 9), bool)
    expected[4 - far : 5 + far, 4 - far : 5 + far] = True
    np.testing.assert_array_equal(reached, expected)


def test_all_sizes_are_drawn():
    point = jnp.zeros((16, 9, 9, 2)).at[:, 4, 4].set(1.0)
    after = random_convolution(sizes=(1, 3, 5), groups=16)(jax.random.key(2), point)
    reached = (np.abs(after).max(axis=3) > 0).sum(axis=(1, 2))
    assert set(reached.tolist()) == {1, 9, 25}


def test_the_variance_of_white_images_stays():
    before = images(count=4)
    augment = random_convolution(sizes=(1,), groups=1)
    after = jax.vmap(augment, (0, None))(jax.random.split(jax.random.key(3), 500), before)
    # E[a^2] + E[(1 - a)^2] = 2/3, the kernel being independent of the image
    assert float(after.var()) == pytest.approx(2 / 3 * float(before.var()), rel=0.03)


def test_it_is_a_function_of_the_key_and_compiles():
    augment = jax.jit(random_convolution(groups=4))
    before = images(count=2)
    first, same, other = (augment(jax.random.key(seed), before) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, same)
    assert first.shape == before.shape
    assert first.dtype == before.dtype
    assert not np.allclose(first, other)


def test_what_is_no_kernel():
    with pytest.raises(ValueError, match=r"sizes \(1, 4\) and 4 groups; expected odd"):
        random_convolution(sizes=(1, 4))
    with pytest.raises(ValueError, match="at least one group"):
        random_convolution(groups=0)
