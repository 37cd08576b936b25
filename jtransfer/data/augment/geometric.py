"""Random changes of images inside the compiled step, each image with a draw of its own."""

import math
from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax import lax

Augmentation = Callable[[jax.Array, jax.Array], jax.Array]
"""From a typed key and images [batch, height, width, channels] to images."""


_ATTEMPTS = 10  # at a crop that fits into the image, before the largest is taken


def compose(*augmentations: Callable[[jax.Array, Any], Any]) -> Callable[[jax.Array, Any], Any]:
    """One after the other, each with a key of its own; of images, or of whole batches."""

    def augment(key: jax.Array, images: Any) -> Any:
        for own, each in zip(jax.random.split(key, len(augmentations)), augmentations, strict=True):
            images = each(own, images)
        return images

    return augment


def on_images(augmentation: Augmentation, *, domain: str = "source") -> Callable[..., Any]:
    """For `make_step`: a change of `batch[domain]["image"]` and of nothing else of a batch."""

    def augment(key: jax.Array, batch: Any) -> Any:
        examples = batch[domain]
        return {**batch, domain: {**examples, "image": augmentation(key, examples["image"])}}

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


def random_resized_crop(
    size: int,
    *,
    scale: tuple[float, float] = (0.08, 1.0),
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
) -> Augmentation:
    """Cut a rectangle out of each image and scale it to `size` x `size` (Szegedy et al. 2015).

    Scaling is bilinear with antialiasing. Where ten draws do not fit, the largest rectangle within
    `ratio` is taken from the centre, as torchvision does.

    Args:
      size: side of the result in pixels.
      scale: least and largest area of the rectangle, as a share of the image's.
      ratio: least and largest width / height; its logarithm is uniform.

    Returns:
      From images of any type to float32, in the same range.

    Raises:
      ValueError: if a range is empty or not positive, or `scale` goes beyond 1.
    """
    if not 0 < scale[0] <= scale[1] <= 1 or not 0 < ratio[0] <= ratio[1]:
        raise ValueError(
            f"scale {scale} and ratio {ratio}; expected two positive numbers each, the smaller one "
            "first, and a scale of at most 1"
        )

    def augment(key: jax.Array, images: jax.Array) -> jax.Array:
        batch, height, width, channels = images.shape
        boxes = _boxes(key, batch, height, width, scale, ratio)

        def cut(image: jax.Array, box: jax.Array) -> jax.Array:
            zoom = size / box[2:]
            return jax.image.scale_and_translate(
                image, (size, size, channels), (0, 1), zoom, -box[:2] * zoom, "bilinear"
            )

        return jax.vmap(cut)(images.astype(jnp.float32), boxes)

    return augment


def _boxes(
    key: jax.Array,
    batch: int,
    height: int,
    width: int,
    scale: tuple[float, float],
    ratio: tuple[float, float],
) -> jax.Array:
    """Top, left, height and width in pixels, [batch, 4] float32."""
    of_area, of_ratio, of_corner = jax.random.split(key, 3)
    tries = (batch, _ATTEMPTS)
    areas = height * width * jax.random.uniform(of_area, tries, minval=scale[0], maxval=scale[1])
    logs = math.log(ratio[0]), math.log(ratio[1])
    ratios = jnp.exp(jax.random.uniform(of_ratio, tries, minval=logs[0], maxval=logs[1]))
    sides = jnp.stack([jnp.sqrt(areas / ratios), jnp.sqrt(areas * ratios)], axis=-1)
    whole = jnp.array([height, width], jnp.float32)
    fits = (sides <= whole[None, None]).all(axis=-1)
    first = jnp.take_along_axis(sides, fits.argmax(axis=1)[:, None, None], axis=1)[:, 0]
    nearest = min(max(width / height, ratio[0]), ratio[1])
    largest = jnp.array([min(height, width / nearest), min(width, height * nearest)])
    found = fits.any(axis=1)[:, None]
    sides = jnp.where(found, first, largest[None])
    place = jnp.where(found, jax.random.uniform(of_corner, (batch, 2)), 0.5)
    return jnp.concatenate([place * (whole[None] - sides), sides], axis=1)


def random_shift(pixels: int, *, fill: Literal["zero", "edge"] = "zero") -> Augmentation:
    """Move each image by up to `pixels` up or down and left or right.

    Args:
      pixels: the most, in either direction; 2 is a small shift of a digit.
      fill: what moves in: zeros (black, unless the images were centred), or the border's pixels.

    Raises:
      ValueError: if `fill` is neither.
    """
    if fill not in ("zero", "edge"):
        raise ValueError(f"fill is {fill!r}; expected 'zero' or 'edge'")

    def augment(key: jax.Array, images: jax.Array) -> jax.Array:
        height, width = images.shape[1:3]
        ends = (pixels, pixels)
        around = ((0, 0), ends, ends, (0, 0))
        padded = jnp.pad(images, around, mode="constant" if fill == "zero" else "edge")
        corners = jax.random.randint(key, (len(images), 2), 0, 2 * pixels + 1)

        def cut(image, corner):
            return lax.dynamic_slice(
                image, (corner[0], corner[1], 0), (height, width, image.shape[-1])
            )

        return jax.vmap(cut)(padded, corners)

    return augment
