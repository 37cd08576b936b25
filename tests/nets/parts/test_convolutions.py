import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.parts import convolutions
from jtransfer.nets.parts.convolutions import convolution
from tests.draws import normal
from tests.nets.plain_convolution import plain, same_with_gradients

IMAGES = normal(0, (3, 9, 12, 4))


@pytest.fixture(params=["few pixels", "many pixels"])
def pixels(request, monkeypatch):
    """As maps of few pixels are convolved, and as if those of a test were many."""
    if request.param == "many pixels":
        monkeypatch.setattr(convolutions, "_FEW", 0)


@pytest.mark.parametrize(
    ("side", "stride", "padding", "groups"),
    [
        (5, 1, "SAME", 2),
        (3, 1, ((0, 1), (2, 0)), 1),
        (2, 1, ((2, 3), (3, 2)), 1),
        (3, 2, "SAME", 1),
        (7, 4, ((2, 2), (2, 2)), 1),
        (1, 1, "VALID", 1),
        (1, 2, "SAME", 1),
        (1, 2, ((1, 0), (0, 1)), 1),
        (1, 3, "VALID", 2),
        (9, 1, "VALID", 1),
    ],
)
def test_a_convolution_and_its_gradients_equal_xlas(side, stride, padding, groups):
    kernel = normal(1, (side, side, 4 // groups, 6))
    settings = {"stride": stride, "padding": padding, "groups": groups}
    same_with_gradients(
        lambda x, k: convolution(x, k, **settings),
        lambda x, k: plain(x, k, **settings),
        IMAGES,
        kernel,
    )


@pytest.mark.parametrize("padding", ["SAME", "VALID", ((3, 1), (4, 3))])
@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 5)])
def test_a_convolution_of_many_channels_and_its_gradients_equal_xlas(shape, padding, pixels):
    images = normal(0, (2, 7, 6, 32))
    kernel = normal(1, (*shape, 32, 33)) / 10
    same_with_gradients(
        lambda x, k: convolution(x, k, padding=padding),
        lambda x, k: plain(x, k, padding=padding),
        images,
        kernel,
    )


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
@pytest.mark.parametrize(("side", "channels"), [(3, 32), (5, 32), (5, 4)])
def test_below_float32_a_convolution_is_rounded_once(side, channels, dtype, pixels):
    """As XLA's own, of float32 sums: half of the distance to the next number, at most."""
    shapes = (1, 8, 8, channels), (side, side, channels, 32), (1, 8, 8, 32)
    images, kernel, pulled = (
        normal(seed, shape).astype(dtype) for seed, shape in enumerate(shapes)
    )

    @jax.jit
    def outputs_and_gradients(*arrays):
        images, kernel, pulled = arrays
        outputs, pull = jax.vjp(lambda x, k: convolution(x, k, padding="SAME"), images, kernel)
        return outputs, *pull(pulled)

    ours = outputs_and_gradients(images, kernel, pulled)
    whole = outputs_and_gradients(*(x.astype(jnp.float32) for x in (images, kernel, pulled)))
    for one, exact in zip(ours, whole, strict=True):
        assert one.dtype == dtype
        np.testing.assert_allclose(
            np.float32(one), exact, rtol=0.51 * float(jnp.finfo(dtype).eps), atol=1e-3
        )


def test_a_convolution_by_hand():
    images = jnp.arange(9.0).reshape(1, 3, 3, 1)
    kernel = jnp.array([[1.0, 0.0], [0.0, -2.0]]).reshape(2, 2, 1, 1)
    expected = [[0 - 2 * 4, 1 - 2 * 5], [3 - 2 * 7, 4 - 2 * 8]]
    np.testing.assert_array_equal(convolution(images, kernel)[0, :, :, 0], expected)


def test_groups_by_hand():
    images = jnp.array([1.0, 2.0, 3.0, 4.0]).reshape(1, 1, 1, 4)
    kernel = jnp.array([[1.0, 10.0], [2.0, 20.0]]).reshape(1, 1, 2, 2)
    # the first output is made of channels 1 and 2, the second of channels 3 and 4
    outputs = convolution(images, kernel, groups=2)
    np.testing.assert_array_equal(outputs.ravel(), [1 * 1 + 2 * 2, 3 * 10 + 4 * 20])


def test_same_padding_puts_the_odd_pixel_behind_as_tensorflow_does():
    images = jnp.arange(1.0, 5.0).reshape(1, 1, 4, 1)
    # 1 2 3 4 and one zero behind, at every second position
    outputs = convolution(images, jnp.ones((1, 3, 1, 1)), stride=2, padding="SAME")
    np.testing.assert_array_equal(outputs.ravel(), [1 + 2 + 3, 3 + 4 + 0])


def test_unknown_padding_is_named():
    with pytest.raises(ValueError, match=r"'same'.*'VALID', 'SAME'"):
        convolution(IMAGES, jnp.ones((3, 3, 4, 6)), padding="same")


@pytest.mark.parametrize("channels", [4, 32])
def test_gradients_of_many_kernels_at_once_equal_those_one_by_one(channels, pixels):
    images = normal(0, (2, 5, 6, channels))
    kernels = normal(1, (2, 3, 3, channels, channels)) / 10

    @jax.jit
    def gradient(kernel):
        return jax.grad(lambda k: jnp.square(convolution(images, k)).sum())(kernel)

    together = jax.jit(jax.vmap(gradient))(kernels)
    np.testing.assert_allclose(together, np.stack([*map(gradient, kernels)]), rtol=1e-4, atol=1e-3)


def test_the_pixels_of_a_batch_whose_size_is_unknown_are_many():
    (batch,) = jax.export.symbolic_shape("batch")
    of = jax.ShapeDtypeStruct
    assert convolutions._few_pixels(of((16, 8, 8, 256), jnp.float32))
    assert not convolutions._few_pixels(of((32, 8, 8, 256), jnp.float32))
    assert not convolutions._few_pixels(of((batch, 8, 8, 256), jnp.float32))
