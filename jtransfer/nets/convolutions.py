"""The convolutions of large nets: strided, padded, split into groups, depthwise.

They are XLA's own but where its CPU backend is slow at them; every formulation is equal to the
plain one. The small nets that are trained here have a convolution of their own, in `layers`.
"""

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from jtransfer.nets.winograd import MAX_WIDTH, winograd_convolution

_LAYOUT = ("NHWC", "HWIO", "NHWC")

Padding = str | Sequence[tuple[int, int]]
"""TensorFlow's "SAME" or "VALID", or ((above, below), (left, right)) in pixels."""


def strided_convolution(
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
    """
    pads = _pads(images, kernel, stride, padding)
    # Not by `feature_group_count`, which is three times as slow on CPU.
    parts = zip(jnp.split(images, groups, -1), jnp.split(kernel, groups, -1), strict=True)
    return jnp.concatenate([_convolution(*part, stride, pads) for part in parts], axis=-1)


def depthwise_convolution(
    images: jax.Array, kernel: jax.Array, *, stride: int = 1, padding: Padding = "SAME"
) -> jax.Array:
    """Convolution of every channel by itself.

    Args:
      images: [batch, height, width, channels].
      kernel: [kernel_height, kernel_width, 1, channels].
      stride: distance between the kernel's positions in pixels.
      padding: as of `strided_convolution`.

    Returns:
      [batch, out_height, out_width, channels].
    """
    return _depthwise(images, kernel, stride, _pads(images, kernel, stride, padding))


def _pads(images, kernel, stride, padding):
    if not isinstance(padding, str):
        return tuple(tuple(ends) for ends in padding)
    sides = images.shape[1:3], kernel.shape[:2]
    return tuple(lax.padtype_to_pads(*sides, (stride, stride), padding))


def _by_xla(images, kernel, *, stride, pads, groups=1):
    return lax.conv_general_dilated(
        images,
        kernel,
        (stride, stride),
        pads,
        dimension_numbers=_LAYOUT,
        feature_group_count=groups,
    )


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _convolution(images, kernel, stride, pads):
    plain = partial(_by_xla, stride=stride, pads=pads)
    if stride > 1 or not 1 < kernel.shape[1] <= MAX_WIDTH:
        return plain(images, kernel)
    fewer_products = partial(winograd_convolution, pads=pads)
    return lax.platform_dependent(images, kernel, cpu=fewer_products, default=plain)


def _forward(images, kernel, stride, pads):
    return _convolution(images, kernel, stride, pads), (images, kernel)


def _backward(stride, pads, saved, gradient):
    # XLA:CPU is some 15 times slower at the gradient of the other formulation.
    _, to_operands = jax.vjp(partial(_by_xla, stride=stride, pads=pads), *saved)
    return to_operands(gradient)


_convolution.defvjp(_forward, _backward)


def _by_shifts(images, kernel, *, stride, pads):
    """The images, shifted to each position of the kernel and weighted, added up."""
    images = jnp.pad(images, ((0, 0), *pads, (0, 0)))
    # Behind the barrier the images are padded once, and not anew at every position.
    images = lax.optimization_barrier(images)
    batch, height, width, channels = images.shape
    total = jnp.zeros((), images.dtype)
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            last = height - kernel.shape[0] + i + 1, width - kernel.shape[1] + j + 1
            shifted = lax.slice(
                images, (0, i, j, 0), (batch, *last, channels), (1, stride, stride, 1)
            )
            total = total + shifted * kernel[i, j, 0][None, None, None]
    return total


def _by_platform(images, kernel, *, stride, pads):
    return lax.platform_dependent(
        images,
        kernel,
        cpu=partial(_by_shifts, stride=stride, pads=pads),
        default=partial(_by_xla, stride=stride, pads=pads, groups=images.shape[-1]),
    )


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _depthwise(images, kernel, stride, pads):
    return _by_platform(images, kernel, stride=stride, pads=pads)


def _depthwise_forward(images, kernel, stride, pads):
    return _depthwise(images, kernel, stride, pads), (images, kernel)


def _depthwise_backward(stride, pads, saved, gradient):
    images, kernel = saved
    _, to_images = jax.vjp(lambda x: _by_platform(x, kernel, stride=stride, pads=pads), images)
    # Not autodiff's of `_by_shifts` on CPU, which is twice as slow or slower.
    kernel_gradient = lax.platform_dependent(
        images,
        kernel,
        gradient,
        cpu=partial(_kernel_gradient_by_rows, stride=stride, pads=pads),
        default=partial(_kernel_gradient_by_xla, stride=stride, pads=pads),
    )
    return *to_images(gradient), kernel_gradient


_depthwise.defvjp(_depthwise_forward, _depthwise_backward)


def _kernel_gradient_by_xla(images, kernel, gradient, *, stride, pads):
    by_xla = partial(_by_xla, images, stride=stride, pads=pads, groups=images.shape[-1])
    _, to_kernel = jax.vjp(by_xla, kernel)
    return to_kernel(gradient)[0]


def _kernel_gradient_by_rows(images, kernel, gradient, *, stride, pads):
    """The products of gradient and shifted images, added up row by row, which fits the cache."""
    images = jnp.pad(images, ((0, 0), *pads, (0, 0)))
    height, width = kernel.shape[:2]
    batch, rows, columns, channels = gradient.shape
    precise = jnp.promote_types(gradient.dtype, jnp.float32)

    def add_row(row, totals):
        window = lax.dynamic_slice_in_dim(images, row * stride, height, axis=1)
        # Copied once behind the barrier, and not anew for every column of the kernel.
        window, along = lax.optimization_barrier((window, gradient[:, row]))
        added = []
        for j, total in enumerate(totals):
            last = images.shape[2] - width + j + 1
            shifted = lax.slice_in_dim(window, j, last, stride, axis=2)
            # Unrolled over the batch: XLA:CPU does not vectorise a sum over its leading axis.
            for n in range(batch):
                total = total + (shifted[n] * along[n][None]).astype(precise)
            added.append(total)
        return tuple(added)

    totals = (jnp.zeros((height, columns, channels), precise),) * width
    totals = lax.fori_loop(0, rows, add_row, totals)
    sums = jnp.stack([total.sum(axis=1) for total in totals], axis=1)
    return sums.reshape(kernel.shape).astype(kernel.dtype)
