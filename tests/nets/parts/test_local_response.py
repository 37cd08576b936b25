from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.parts.local_response import local_response_norm
from tests.draws import normal


def test_three_channels_by_hand():
    maps = jnp.array([1.0, 2.0, 3.0]).reshape(1, 1, 1, 3)
    strengths = np.array([1 + 4, 1 + 4 + 9, 4 + 9])
    expected = np.array([1, 2, 3]) / (0.5 + 0.1 * strengths) ** 0.75
    result = local_response_norm(maps, k=0.5, alpha=0.1, window=3)
    np.testing.assert_allclose(result.ravel(), expected, rtol=1e-6)


def test_the_defaults_are_the_papers():
    maps = jnp.full((1, 1, 1, 7), 100.0)
    expected = [100 / (2 + 1e-4 * n * 1e4) ** 0.75 for n in (3, 4, 5, 5, 5, 4, 3)]
    np.testing.assert_allclose(local_response_norm(maps).ravel(), expected, rtol=1e-6)


def test_whole_numbers_have_a_share_too():
    result = local_response_norm(np.array([[[[1, 2]]]], np.uint8), k=1.0, alpha=1.0, window=1)
    np.testing.assert_allclose(result.ravel(), [1 / 2**0.75, 2 / 5**0.75], rtol=1e-6)


def test_caffes_form_and_its_gradient_equal_torchs():
    torch = pytest.importorskip("torch")
    caffe = partial(local_response_norm, k=1.0, alpha=1e-4 / 5)
    maps = 100 * normal(0, (2, 3, 3, 8))
    theirs = torch.tensor(np.asarray(maps.transpose(0, 3, 1, 2)), requires_grad=True)
    normalised = torch.nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)(theirs)
    normalised.square().sum().backward()

    def total(maps):
        normalised = caffe(maps)
        return jnp.square(normalised).sum(), normalised

    gradient, ours = jax.jit(jax.grad(total, has_aux=True))(maps)
    for mine, other in ((ours, normalised.detach()), (gradient, theirs.grad)):
        expected = other.numpy().transpose(0, 2, 3, 1)
        np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_sums_of_squares_beyond_half_precision(dtype):
    """300^2 is above float16's largest number, 65504."""
    maps = jnp.full((1, 1, 1, 7), 300.0, dtype)
    expected = [300 / (2 + 1e-4 * n * 9e4) ** 0.75 for n in (3, 4, 5, 5, 5, 4, 3)]
    result = local_response_norm(maps)
    assert result.dtype == dtype
    np.testing.assert_allclose(
        result.astype(jnp.float32).ravel(), expected, rtol=float(jnp.finfo(dtype).eps)
    )
