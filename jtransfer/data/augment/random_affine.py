"""Random affine maps: images turned, scaled, stretched, sheared and moved a little."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates


def random_affine(
    *, degrees: float = 15.0, scale: float = 1.2, shear: float = 0.2, shift: float = 2.0
) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """Turn, scale, shear and move each image, by draws of its own.

    Each image is mapped around its middle: turned by up to `degrees` either way, sheared by up to
    `shear`, its height and its width scaled, one by one, by factors whose logarithms are uniform
    between those of 1 / `scale` and `scale`, and moved by up to `shift` pixels down and across.
    Pixels between pixels are bilinear; beyond the border its pixels are repeated.

    Returns:
      `augment(key, images)`, from [batch, height, width, channels] to float32 of the same shape.

    Raises:
      ValueError: if `scale` is below 1, or another number is negative.
    """
    if scale < 1 or min(degrees, shear, shift) < 0:
        raise ValueError(
            f"degrees {degrees}, scale {scale}, shear {shear}, shift {shift}; expected a scale of "
            "at least 1, which scales nothing, and no negative number"
        )

    def augment(key: jax.Array, images: jax.Array) -> jax.Array:
        batch, height, width, _ = images.shape
        draws = jax.random.uniform(key, (6, batch, 1, 1), minval=-1.0)
        angle, slant = math.radians(degrees) * draws[0], shear * draws[1]
        tall, wide = scale ** draws[2], scale ** draws[3]
        middle_down, middle_across = (height - 1) / 2, (width - 1) / 2
        # From places in the result to places in the image: the inverse map.
        down = jnp.arange(height)[None, :, None] - middle_down - shift * draws[4]
        across = jnp.arange(width)[None, None] - middle_across - shift * draws[5]
        across = across + slant * down
        rows = (jnp.cos(angle) * down - jnp.sin(angle) * across) / tall + middle_down
        columns = (jnp.sin(angle) * down + jnp.cos(angle) * across) / wide + middle_across
        return jax.vmap(_bilinear)(images.astype(jnp.float32), rows, columns)

    return augment


def _bilinear(image: jax.Array, rows: jax.Array, columns: jax.Array) -> jax.Array:
    """Values of an image [h, w, c] at places [a, b] between its pixels: [a, b, c]."""

    def of_channel(channel: jax.Array) -> jax.Array:
        return map_coordinates(channel, [rows, columns], order=1, mode="nearest")

    return jax.vmap(of_channel, in_axes=-1, out_axes=-1)(image)
