"""Random convolutions: images of the same shapes in other textures and colours (Xu et al. 2021)."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


def random_convolution(
    *, sizes: tuple[int, ...] = (1, 3, 5), groups: int = 4
) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """Mix each image with its convolution by a random kernel.

    a x + (1 - a) (kernel * x), a being uniform from 0 to 1 for each image, and the kernel of a
    random size, its numbers normal with the variance that keeps the images' (RC_mix in "Robust and
    generalizable visual representation learning via random convolutions", ICLR 2021). A
    kernel of one pixel mixes and inverts the colours; larger ones change textures as well.

    Args:
      sizes: sides of the kernels in pixels, odd; each is drawn as often.
      groups: the images fall into as many groups, at random, each with a kernel of its own (one in
        the paper); for a smaller batch, one a image.

    Returns:
      `augment(key, images)`, from [batch, height, width, channels] floats, centred (the border is
      padded with 0), to the same shape.

    Raises:
      ValueError: if a size is not odd and positive, there is none, or no group.
    """
    if not sizes or any(size < 1 or size % 2 == 0 for size in sizes) or groups < 1:
        raise ValueError(
            f"sizes {sizes} and {groups} groups; expected odd numbers of pixels such as (1, 3, 5), "
            "and at least one group"
        )
    side = max(sizes)
    distance = np.abs(np.arange(side) - side // 2)
    around = np.maximum(distance[:, None], distance[None])
    inside = np.stack([around <= size // 2 for size in sizes]).astype(np.float32)

    def convolve(key: jax.Array, images: jax.Array) -> jax.Array:
        of_size, of_kernel, of_mix = jax.random.split(key, 3)
        channels = images.shape[-1]
        within = jnp.asarray(inside)[jax.random.randint(of_size, (), 0, len(sizes))]
        scale = jnp.sqrt(channels * within.sum())
        # A draw along one axis is compiled many times as fast as the same one along four.
        kernel = jax.random.normal(of_kernel, (side * side * channels * channels,))
        kernel = kernel.reshape(side, side, channels, channels)
        kernel = (kernel * within[:, :, None, None] / scale).astype(images.dtype)
        convolved = lax.conv_general_dilated(
            images, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        kept = jax.random.uniform(of_mix, (len(images), 1, 1, 1), images.dtype)
        return kept * images + (1 - kept) * convolved

    def augment(key: jax.Array, images: jax.Array) -> jax.Array:
        of_order, *of_groups = jax.random.split(key, 1 + min(groups, len(images)))
        order = jax.random.permutation(of_order, len(images))
        parts = jnp.array_split(images[order], len(of_groups))
        changed = [convolve(own, part) for own, part in zip(of_groups, parts, strict=True)]
        return jnp.concatenate(changed)[jnp.argsort(order)]

    return augment
