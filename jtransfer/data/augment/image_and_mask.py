"""Random changes of images and their masks together, inside the compiled step."""

from typing import Any

import jax
import jax.numpy as jnp


def random_scale_crop_flip(
    size: tuple[int, int],
    *,
    ignored: int,
    scale: tuple[float, float] = (0.75, 1.5),
    domain: str = "target",
):
    """Scale an image and its mask at random, cut out a window at random, mirror half of them.

    Images are interpolated between pixels, masks take the nearest one. Where the window is larger
    than the scaled image, the pixels outside are black and `ignored`.

    Args:
      size: (height, width) of the window in pixels.
      ignored: number in the masks of pixels without a class.
      scale: smallest and largest factor on the sides, evenly by their logarithm.
      domain: key of the batch's domain; its `image` is [batch, height, width, 3], of any type, and
        its `mask` [batch, height, width] integers.

    Returns:
      `augment(key, batch) -> batch`, for `make_step`; images come out as float32.
    """

    def augment(key: jax.Array, batch: Any) -> Any:
        fields = batch[domain]
        keys = jax.random.split(key, fields["image"].shape[0])
        images, masks = jax.vmap(one)(keys, fields["image"], fields["mask"])
        return {**batch, domain: {**fields, "image": images, "mask": masks}}

    def one(key: jax.Array, image: jax.Array, mask: jax.Array) -> tuple[jax.Array, jax.Array]:
        of_scale, of_corner, of_flip = jax.random.split(key, 3)
        low, high = jnp.log(jnp.asarray(scale))
        factor = jnp.exp(jax.random.uniform(of_scale, minval=low, maxval=high))
        corner = jax.random.uniform(of_corner, (2,))
        mirrored = jax.random.bernoulli(of_flip)
        places = [
            _places(there, window, factor, corner[axis])
            for axis, (there, window) in enumerate(zip(image.shape[:2], size, strict=True))
        ]
        rows, columns = places
        columns = jnp.where(mirrored, columns[::-1], columns)
        inside = jnp.logical_and(
            _within(rows, image.shape[0])[:, None], _within(columns, image.shape[1])[None]
        )
        shown = _between(_between(image.astype(jnp.float32), rows, 0), columns, 1)
        nearest_row, nearest_column = (
            jnp.clip(jnp.round(place), 0, side - 1).astype(jnp.int32)
            for place, side in ((rows, image.shape[0]), (columns, image.shape[1]))
        )
        numbers = mask[nearest_row][:, nearest_column]
        filled = jnp.where(inside, numbers, jnp.asarray(ignored, mask.dtype))
        return jnp.where(inside[..., None], shown, 0.0), filled

    return augment


def _places(there: int, window: int, factor: jax.Array, corner: jax.Array) -> jax.Array:
    """Where the pixels of a window lie in the image as it came: [window] float32."""
    # The window lies within the scaled image, or around it where it is larger.
    start = corner * (there * factor - window)
    return (start + jnp.arange(window) + 0.5) / factor - 0.5


def _within(places: jax.Array, side: int) -> jax.Array:
    return (places >= -0.5) & (places <= side - 0.5)


def _between(values: jax.Array, places: jax.Array, axis: int) -> jax.Array:
    """Values at places between the pixels of an axis."""
    side = values.shape[axis]
    places = jnp.clip(places, 0, side - 1)
    below = jnp.floor(places).astype(jnp.int32)
    above = jnp.minimum(below + 1, side - 1)
    shape = [1] * values.ndim
    shape[axis] = -1
    share = (places - below).reshape(shape)
    return jnp.take(values, below, axis) * (1 - share) + jnp.take(values, above, axis) * share
