"""SpecAugment: hide stretches of time and of frequency (Park et al., Interspeech 2019)."""

from collections.abc import Callable

import jax
import jax.numpy as jnp


def spec_augment(
    *,
    time_masks: int = 2,
    longest: float = 0.2,
    frequency_masks: int = 2,
    widest: int = 8,
) -> Callable[[jax.Array, jax.Array, jax.Array], jax.Array]:
    """Hide stretches of frames and of bands, each utterance with a draw of its own.

    Without the paper's time warping, which it finds to matter least. Features are 0 where they are
    hidden, which is their mean after `jtransfer.data.mel.normalise`.

    Args:
      time_masks: stretches of frames hidden of each utterance.
      longest: most of an utterance's own frames in one stretch, as a share (the paper's p).
      frequency_masks: stretches of bands hidden.
      widest: most bands in one stretch (the paper's F).

    Returns:
      `augment(key, features, mask)` of features [batch, frames, bands] and mask [batch, frames].

    Raises:
      ValueError: if a number is negative, or `longest` is above 1.
    """
    if min(time_masks, frequency_masks, widest) < 0 or not 0 <= longest <= 1:
        raise ValueError(
            f"{time_masks=}, {longest=}, {frequency_masks=}, {widest=}; expected numbers from 0, "
            "and a share up to 1"
        )

    def augment(key: jax.Array, features: jax.Array, mask: jax.Array) -> jax.Array:
        batch, frames, bands = features.shape
        of_time, of_frequency = jax.random.split(key)
        lengths = mask.sum(axis=1)
        most = longest * lengths
        hidden = _stretches(of_time, time_masks, frames, lengths, most)[:, :, None]
        everywhere = jnp.full(batch, bands)
        wide = jnp.full(batch, float(min(widest, bands)))
        hidden |= _stretches(of_frequency, frequency_masks, bands, everywhere, wide)[:, None]
        return jnp.where(hidden, 0.0, features)

    return augment


def _stretches(
    key: jax.Array, count: int, size: int, lengths: jax.Array, most: jax.Array
) -> jax.Array:
    """What `count` random stretches of up to `most` out of `lengths` cover: [batch, size]."""
    of_width, of_start = jax.random.split(key)
    shape = (len(lengths), count)
    # Whole numbers from 0 to `most`, all equally likely.
    widths = jnp.floor(jax.random.uniform(of_width, shape) * (jnp.floor(most)[:, None] + 1))
    space = lengths[:, None] - widths
    starts = jnp.floor(jax.random.uniform(of_start, shape) * (space + 1))
    places = jnp.arange(size)[None, None]
    covered = (places >= starts[..., None]) & (places < (starts + widths)[..., None])
    return covered.any(axis=1)
