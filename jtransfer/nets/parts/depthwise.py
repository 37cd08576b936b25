"""The convolution of every channel by itself.

It is XLA's own on accelerators; on CPU, where XLA is slow at it, images are shifted and added up.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from jtransfer.nets.parts.convolutions import Padding, pads_of, xla_convolution
from jtransfer.nets.parts.patches import padded


def depthwise_convolution(
    images: jax.Array, kernel: jax.Array, *, stride: int = 1, padding: Padding = "SAME"
) -> jax.Array:
    """Convolution of every channel by itself.

    Args:
      images: [batch, height, width, channels].
      kernel: [kernel_height, kernel_width, 1, channels].
      stride: distance between the kernel's positions in pixels.
      padding: as of `convolution`.

    Returns:
      [batch, out_height, out_width, channels].
    """
    return _depthwise(images, kernel, stride, pads_of(images, kernel, stride, padding))


def _by_xla(images, kernel, *, stride, pads):
    return xla_convolution(images, kernel, stride=stride, pads=pads, groups=images.shape[-1])


def _by_shifts(images, kernel, *, stride, pads):
    """The images, shifted to each position of the kernel and weighted, added up."""
    images = padded(images, pads)
    # Behind the barrier the images are padded once, and not anew at every position.
    images = lax.optimization_barrier(images)
    batch, height, width, channels = images.shape
    # As XLA's own: of terms that are each rounded to less, the sum would be several times as rough.
    precise = jnp.promote_types(images.dtype, jnp.float32)
    total = jnp.zeros((), precise)
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            last = height - kernel.shape[0] + i + 1, width - kernel.shape[1] + j + 1
            shifted = lax.slice(
                images, (0, i, j, 0), (batch, *last, channels), (1, stride, stride, 1)
            )
            tap = kernel[i, j, 0].astype(precise)[None, None, None]
            total = total + shifted.astype(precise) * tap
    return total.astype(images.dtype)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _depthwise(images, kernel, stride, pads):
    return lax.platform_dependent(
        images,
        kernel,
        cpu=partial(_by_shifts, stride=stride, pads=pads),
        default=partial(_by_xla, stride=stride, pads=pads),
    )


def _depthwise_forward(images, kernel, stride, pads):
    return _depthwise(images, kernel, stride, pads), (images, kernel)


def _depthwise_backward(stride, pads, saved, gradient):
    images, kernel = saved
    # Not autodiff's of `_by_shifts` on CPU, which are twice as slow or slower.
    return lax.platform_dependent(
        images,
        kernel,
        gradient,
        cpu=partial(_gradients_by_shifts, stride=stride, pads=pads),
        default=partial(_gradients_by_xla, stride=stride, pads=pads),
    )


_depthwise.defvjp(_depthwise_forward, _depthwise_backward)


def _gradients_by_xla(images, kernel, gradient, *, stride, pads):
    _, to_operands = jax.vjp(partial(_by_xla, stride=stride, pads=pads), images, kernel)
    return to_operands(gradient)


def _gradients_by_shifts(images, kernel, gradient, *, stride, pads):
    settings = {"stride": stride, "pads": pads}
    return (
        _images_gradient_by_shifts(images.shape, kernel, gradient, **settings),
        _kernel_gradient_by_rows(images, kernel, gradient, **settings),
    )


def _images_gradient_by_shifts(shape, kernel, gradient, *, stride, pads):
    """Pixels of one remainder by the stride are only met by the kernel's taps of that remainder."""
    sides = [pixels + sum(around) for pixels, around in zip(shape[1:3], pads, strict=True)]
    squares = [-(-side // stride) for side in sides]
    # Where the kernel is smaller than the stride some pixels meet a zero.
    kernel = jnp.pad(
        kernel, [(0, max(stride - side, 0)) for side in kernel.shape[:2]] + [(0, 0)] * 2
    )

    def of_remainder(i: int, j: int) -> jax.Array:
        taps = kernel[i::stride, j::stride][::-1, ::-1]
        around = [
            (side - 1, count - out)
            for side, count, out in zip(taps.shape[:2], squares, gradient.shape[1:3], strict=True)
        ]
        return _by_shifts(gradient, taps, stride=1, pads=(around[0], around[1]))

    rows = [jnp.stack([of_remainder(i, j) for j in range(stride)], axis=3) for i in range(stride)]
    whole = jnp.stack(rows, axis=2).reshape(
        len(gradient), squares[0] * stride, squares[1] * stride, -1
    )
    above, left = pads[0][0], pads[1][0]
    return whole[:, above : above + shape[1], left : left + shape[2]]


def _kernel_gradient_by_rows(images, kernel, gradient, *, stride, pads):
    """The products of gradient and shifted images, added up row by row, which fits the cache."""
    images = padded(images, pads)
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
                total = total + shifted[n].astype(precise) * along[n].astype(precise)[None]
            added.append(total)
        return tuple(added)

    totals = (jnp.zeros((height, columns, channels), precise),) * width
    totals = lax.fori_loop(0, rows, add_row, totals)
    sums = jnp.stack([total.sum(axis=1) for total in totals], axis=1)
    return sums.reshape(kernel.shape).astype(kernel.dtype)
