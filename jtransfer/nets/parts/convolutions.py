"""Convolution that is fast on every backend, equal to its plain formulation.

XLA's CPU backend is slow at convolutions over few channels and at the gradient of a convolution
with respect to its kernel. On CPU the ones of stride 1 become products of matrices: of the images'
windows with the kernel or, over many channels, Winograd's fewer products; over many channels of few
pixels they stay XLA's own. On accelerators a convolution and its gradients are XLA's own. One of
single pixels is a product of matrices everywhere.
"""

import math
from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from jtransfer.nets.parts.patches import padded, patches_convolution, patches_kernel_gradient
from jtransfer.nets.parts.winograd import MAX_WIDTH, winograd_convolution, winograd_kernel_gradient

_MANY = 32  # channels
# Pixels of a batch's maps below which Winograd's sums over the kernel cost more than his products
# save: of ResNet-18 they do for 1,024, of AlexNet not for 2,592.
_FEW = 2048

Padding = str | Sequence[tuple[int, int]]
"""TensorFlow's "SAME" or "VALID", or ((above, below), (left, right)) in pixels."""


def convolution(
    images: jax.Array,
    kernel: jax.Array,
    *,
    stride: int = 1,
    padding: Padding = "VALID",
    groups: int = 1,
) -> jax.Array:
    """Convolution of `images` with `kernel`.

    Args:
      images: [batch, height, width, in_channels].
      kernel: [kernel_height, kernel_width, in_channels / groups, out_channels].
      stride: distance between the kernel's positions in pixels.
      padding: "SAME" (ceil(size / stride) positions, the odd pixel of padding behind), "VALID", or
        ((above, below), (left, right)) in pixels.
      groups: parts that the channels are split into, each with a convolution of its own.

    Returns:
      [batch, out_height, out_width, out_channels].

    Raises:
      ValueError: if `padding` is a word and neither of the two.
    """
    pads = pads_of(images, kernel, stride, padding)
    if groups == 1 and kernel.shape[:2] == (1, 1) and not any(map(any, pads)):
        return images[:, ::stride, ::stride] @ kernel[0, 0]
    # Not by `feature_group_count`, which is three times as slow on CPU.
    parts = zip(jnp.split(images, groups, -1), jnp.split(kernel, groups, -1), strict=True)
    return jnp.concatenate([_convolution(*part, stride, pads) for part in parts], axis=-1)


def pads_of(
    images: jax.Array, kernel: jax.Array, stride: int, padding: Padding
) -> tuple[tuple[int, int], tuple[int, int]]:
    """((above, below), (left, right)) in pixels."""
    if not isinstance(padding, str):
        above_below, left_right = padding
        return (above_below[0], above_below[1]), (left_right[0], left_right[1])
    if padding not in ("SAME", "VALID"):
        raise ValueError(f"padding is {padding!r}; expected 'VALID', 'SAME' or pixels")
    above_below, left_right = lax.padtype_to_pads(
        images.shape[1:3], kernel.shape[:2], (stride, stride), padding
    )
    return above_below, left_right


def xla_convolution(
    images: jax.Array,
    kernel: jax.Array,
    *,
    stride: int,
    pads: tuple[tuple[int, int], tuple[int, int]],
    groups: int = 1,
) -> jax.Array:
    """The plain formulation."""
    return lax.conv_general_dilated(
        images,
        kernel,
        (stride, stride),
        pads,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _convolution(images, kernel, stride, pads):
    plain = partial(xla_convolution, stride=stride, pads=pads)
    if stride > 1:
        return plain(images, kernel)
    return lax.platform_dependent(
        images, kernel, cpu=partial(_by_products, pads=pads), default=plain
    )


def _forward(images, kernel, stride, pads):
    return _convolution(images, kernel, stride, pads), (images, kernel)


def _backward(stride, pads, saved, gradient):
    images, kernel = saved
    plain = partial(_gradients_by_xla, stride=stride, pads=pads)
    if stride > 1:
        return plain(images, kernel, gradient)
    return lax.platform_dependent(
        images, kernel, gradient, cpu=partial(_gradients_by_products, pads=pads), default=plain
    )


_convolution.defvjp(_forward, _backward)


def _many_channels(kernel):
    """Whether Winograd's fewer products save more than the sums before and behind them cost."""
    return 2 < kernel.shape[1] <= MAX_WIDTH and min(kernel.shape[2:]) >= _MANY


def _few_pixels(images):
    """Whether a batch's maps are small; not where its size is yet unknown."""
    pixels = math.prod(images.shape[:3])
    return isinstance(pixels, int) and pixels < _FEW


def _by_products(images, kernel, *, pads):
    if _many_channels(kernel):
        by = partial(xla_convolution, stride=1) if _few_pixels(images) else winograd_convolution
        return by(images, kernel, pads=pads)
    return patches_convolution(padded(images, pads), kernel)


def _gradients_by_xla(images, kernel, gradient, *, stride, pads):
    _, to_operands = jax.vjp(partial(xla_convolution, stride=stride, pads=pads), images, kernel)
    return to_operands(gradient)


def _gradients_by_products(images, kernel, gradient, *, pads):
    # The images' gradient is a convolution of the outputs' with the kernel upside down.
    upside_down = kernel[::-1, ::-1].swapaxes(2, 3)
    (above, below), (left, right) = pads
    rows, columns = kernel.shape[0] - 1, kernel.shape[1] - 1
    around = (rows - above, rows - below), (columns - left, columns - right)
    if _many_channels(kernel) and _few_pixels(images):
        return _gradients_by_xla(images, kernel, gradient, stride=1, pads=pads)
    if _many_channels(kernel):
        return (
            winograd_convolution(gradient, upside_down, pads=around),
            winograd_kernel_gradient(images, kernel.shape, gradient, pads=pads),
        )
    return (
        xla_convolution(gradient, upside_down, stride=1, pads=around),
        patches_kernel_gradient(padded(images, pads), kernel.shape, gradient),
    )
