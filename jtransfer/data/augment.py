"""Random changes of images inside the compiled step, each image with a draw of its own."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

Augmentation = Callable[[jax.Array, jax.Array], jax.Array]
"""From a typed key and images [batch, height, width, channels] to images."""


def compose(*augmentations: Augmentation) -> Augmentation:
    """One after the other, each with a key of its own."""

    def augment(key: jax.Array, images: jax.Array) -> jax.Array:
        for own, each in zip(jax.random.split(key, len(augmentations)), augmentations, strict=True):
            images = each(own, images)
        return images

    return augment


def random_flip(key: jax.Array, images: jax.Array) -> jax.Array:
    """Mirror each image, left for right, with probability one half."""
    mirrored = jax.random.bernoulli(key, shape=(len(images), 1, 1, 1))
    return jnp.where(mirrored, images[:, :, ::-1], images)


def random_crop(size: int) -> Augmentation:
    """Cut a square of `size` pixels out of each image, anywhere in it.

    Raises:
      ValueError: when called, if the images are smaller.
    """

    def augment(key: jax.Array, images: jax.Array) -> jax.Array:
        batch, height, width, channels = images.shape
        if size > min(height, width):
            raise ValueError(
                f"a crop of {size} pixels out of images of {height}x{width}; expected a crop that "
                "fits. Choose a smaller one, or keep larger images"
            )
        most = jnp.array([height - size, width - size])
        corners = jax.random.randint(key, (batch, 2), 0, most[None] + 1)

        def cut(image, corner):
            return lax.dynamic_slice(image, (corner[0], corner[1], 0), (size, size, channels))

        return jax.vmap(cut)(images, corners)

    return augment


def random_shift(pixels: int) -> Augmentation:
    """Move each image by up to `pixels` up or down and left or right; zeros move in."""

    def augment(key: jax.Array, images: jax.Array) -> jax.Array:
        height, width = images.shape[1:3]
        ends = (pixels, pixels)
        padded = jnp.pad(images, ((0, 0), ends, ends, (0, 0)))
        corners = jax.random.randint(key, (len(images), 2), 0, 2 * pixels + 1)

        def cut(image, corner):
            return lax.dynamic_slice(
                image, (corner[0], corner[1], 0), (height, width, image.shape[-1])
            )

        return jax.vmap(cut)(padded, corners)

    return augment
