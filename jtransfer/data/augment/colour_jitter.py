"""Random changes of brightness, contrast and saturation."""

import jax
import jax.numpy as jnp

from jtransfer.data.augment.geometric import Augmentation

_GREY = (0.2989, 0.587, 0.114)  # of red, green and blue


def colour_jitter(
    *, brightness: float = 0.0, contrast: float = 0.0, saturation: float = 0.0, white: float = 1.0
) -> Augmentation:
    """Change brightness, contrast and saturation of each image by random factors, in this order.

    A factor is uniform in [max(0, 1 - strength), 1 + strength]. Brightness multiplies the pixels;
    contrast mixes them with the mean of the grey image, saturation with the grey image itself, and
    each result is cut off at black and white, as in torchvision.

    Args:
      brightness: its strength; 0 leaves it alone.
      contrast: likewise.
      saturation: likewise.
      white: the largest value of a pixel, 1 or 255; black is 0, so centre the images afterwards.

    Returns:
      From images of 1 or 3 channels to float32.

    Raises:
      ValueError: for a negative strength; when called, for other numbers of channels.
    """
    strengths = {"brightness": brightness, "contrast": contrast, "saturation": saturation}
    for name, strength in strengths.items():
        if strength < 0:
            raise ValueError(f"{name} is {strength}; expected 0 or a positive strength")

    def augment(key: jax.Array, images: jax.Array) -> jax.Array:
        images = images.astype(jnp.float32)
        for own, (name, strength) in zip(jax.random.split(key, 3), strengths.items(), strict=True):
            if strength:
                least, most = max(0.0, 1 - strength), 1 + strength
                shape = (len(images), 1, 1, 1)
                factors = jax.random.uniform(own, shape, minval=least, maxval=most)
                other = _other(name, images)
                images = jnp.clip(factors * images + (1 - factors) * other, 0.0, white)
        return images

    return augment


def _other(name: str, images: jax.Array) -> jax.Array:
    """What images are mixed with: black, or their mean grey, or their grey pixels."""
    if name == "brightness":
        return jnp.zeros_like(images)
    if images.shape[-1] not in (1, 3):
        raise ValueError(
            f"{name} of images {images.shape}; expected 1 channel (grey) or 3 (red, green, blue)"
        )
    weights = jnp.array(_GREY if images.shape[-1] == 3 else (1.0,))
    grey = (images * weights[None, None, None]).sum(axis=-1, keepdims=True)
    return grey if name == "saturation" else grey.mean(axis=(1, 2), keepdims=True)
