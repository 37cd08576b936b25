from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.parts import depthwise
from jtransfer.nets.parts.convolutions import pads_of
from jtransfer.nets.parts.depthwise import depthwise_convolution
from tests.draws import normal
from tests.nets.plain_convolution import plain, same_with_gradients

IMAGES = normal(0, (3, 9, 12, 4))


@pytest.mark.parametrize(
    ("side", "stride", "padding"),
    [
        (3, 1, "SAME"),
        (3, 2, "SAME"),
        (5, 1, "SAME"),
        (5, 2, "VALID"),
        (5, 2, ((2, 1), (3, 2))),
        (4, 3, ((1, 0), (0, 2))),
        (1, 2, "VALID"),
    ],
)
def test_depthwise_convolution_and_its_gradients_equal_xlas(side, stride, padding):
    kernel = normal(1, (side, side, 1, 4))
    same_with_gradients(
        lambda x, k: depthwise_convolution(x, k, stride=stride, padding=padding),
        lambda x, k: plain(x, k, stride=stride, padding=padding, groups=4),
        IMAGES,
        kernel,
    )


def test_the_formulation_for_accelerators_equals_the_one_for_cpu():
    kernel = normal(1, (5, 5, 1, 4))
    settings = {"stride": 2, "pads": ((2, 2), (1, 2))}
    ours, xlas = (
        jax.jit(partial(formulation, **settings))(IMAGES, kernel)
        for formulation in (depthwise._by_shifts, depthwise._by_xla)
    )
    np.testing.assert_allclose(ours, xlas, atol=1e-5)


@pytest.mark.parametrize(("side", "stride"), [(3, 1), (3, 2), (5, 1), (5, 2)])
@pytest.mark.parametrize("size", [(9, 12), (7, 6)])
def test_the_gradients_of_depthwise_for_cpu_and_accelerators_are_equal(side, stride, size):
    images = IMAGES[:, : size[0], : size[1]]
    kernel = normal(1, (side, side, 1, 4))
    settings = {"stride": stride, "pads": pads_of(images, kernel, stride, "SAME")}
    gradient = jax.jit(partial(depthwise._by_shifts, **settings))(images, kernel)
    ours, xlas = (
        jax.jit(partial(formulation, **settings))(images, kernel, gradient)
        for formulation in (depthwise._gradients_by_shifts, depthwise._gradients_by_xla)
    )
    for one, other in zip(ours, xlas, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * float(np.abs(other).max()))


def test_the_gradient_of_a_depthwise_kernel_by_hand():
    images = jnp.array([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1)
    # outputs at pixels 1 and 3; zeros stand left and right of the images
    gradient = jax.grad(
        lambda kernel: (
            depthwise_convolution(images, kernel, stride=2).ravel() * jnp.array([10.0, 100.0])
        ).sum()
    )(jnp.ones((1, 3, 1, 1)))
    np.testing.assert_array_equal(gradient.ravel(), [0 * 10 + 2 * 100, 1 * 10 + 3 * 100, 2 * 10])


def test_the_gradient_of_a_depthwise_kernel_in_bfloat16_is_added_up_in_float32():
    images = jnp.ones((1, 30, 30, 1), jnp.bfloat16)

    def total(kernel):
        return depthwise_convolution(images, kernel, padding="VALID").astype(jnp.float32).sum()

    gradient = jax.grad(total)(jnp.ones((1, 1, 1, 1), jnp.bfloat16))
    # in bfloat16 a sum of ones ends at 256
    assert abs(float(gradient[0, 0, 0, 0]) - 900) < 4


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
@pytest.mark.parametrize(("side", "stride"), [(3, 1), (5, 2)])
def test_below_float32_a_depthwise_convolution_is_rounded_once(side, stride, dtype):
    images = normal(0, (2, 9, 12, 4)).astype(dtype)
    kernel = normal(1, (side, side, 1, 4)).astype(dtype)

    @jax.jit
    def outputs_and_gradients(images, kernel):
        outputs, pull = jax.vjp(
            lambda x, k: depthwise_convolution(x, k, stride=stride), images, kernel
        )
        return outputs, *pull(jnp.ones_like(outputs))

    ours = outputs_and_gradients(images, kernel)
    whole = outputs_and_gradients(images.astype(jnp.float32), kernel.astype(jnp.float32))
    for one, exact in zip(ours, whole, strict=True):
        assert one.dtype == dtype
        np.testing.assert_allclose(
            np.float32(one), exact, rtol=0.51 * float(jnp.finfo(dtype).eps), atol=1e-4
        )


def test_depthwise_gradients_of_many_kernels_at_once_equal_those_one_by_one():
    kernels = normal(1, (2, 3, 3, 1, 4))

    @jax.jit
    def gradient(kernel):
        return jax.grad(lambda k: jnp.square(depthwise_convolution(IMAGES, k)).sum())(kernel)

    together = jax.jit(jax.vmap(gradient))(kernels)
    np.testing.assert_allclose(together, np.stack([*map(gradient, kernels)]), rtol=1e-5)


def test_same_padding_puts_the_odd_pixel_behind_as_tensorflow_does():
    images = jnp.arange(1.0, 5.0).reshape(1, 1, 4, 1)
    # 1 2 3 4 and one zero behind, at every second position
    outputs = depthwise_convolution(images, jnp.ones((1, 3, 1, 1)), stride=2)
    np.testing.assert_array_equal(outputs.ravel(), [6, 7])
