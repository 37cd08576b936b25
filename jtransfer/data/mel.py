"""The front end of speech recognition: log-mel spectra and MFCC, with masks, inside jit.

Of the several conventions: HTK's mel (librosa's `htk=True`); triangles of height 1 (`norm=None`,
not Slaney's of area 1); energies, not magnitudes; a periodic Hann window, not HTK's Hamming; frames
from the first sample on (`center=False`). Neither pre-emphasis nor dither, and MFCC are not
liftered.
"""

from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.data.examples import DataError


@dataclass(frozen=True)
class FrontEnd:
    """Windows of sound to mel bands; all methods are pure and can be compiled.

    Frames lie wholly within the utterance, hop by hop from its first sample, so that whatever
    stands behind its end changes no frame of it.

    Attributes:
      rate: samples a second.
      bands: number of mel bands.
      window: length of the Hann window in seconds.
      hop: distance between windows in seconds.
      low: lower end of the first band in Hz.
      high: upper end of the last band in Hz; None for half the rate.
      floor: least energy of a band before the logarithm.

    Raises:
      DataError: if a setting makes no sense.
    """

    rate: int
    bands: int = 40
    window: float = 0.025
    hop: float = 0.010
    low: float = 20.0
    high: float | None = None
    floor: float = 1e-10

    def __post_init__(self):
        """Check the settings."""
        high = self.rate / 2 if self.high is None else self.high
        if not 0 <= self.low < high <= self.rate / 2:
            raise DataError(
                f"bands from {self.low} Hz to {high} Hz at {self.rate} samples a second; expected "
                f"a range within 0 to {self.rate / 2} Hz. Choose another range or rate"
            )
        if self.hop_samples < 1 or self.window_samples < 2 or self.bands < 1 or self.floor <= 0:
            raise DataError(
                f"{self}; expected at least 1 band, a window of 2 samples, a hop of 1 and a "
                "positive floor"
            )

    @property
    def window_samples(self) -> int:
        """Samples in a window."""
        return round(self.rate * self.window)

    @property
    def hop_samples(self) -> int:
        """Samples from window to window."""
        return round(self.rate * self.hop)

    @property
    def fft(self) -> int:
        """Length of the Fourier transform: the next power of two, the window filled by zeros."""
        return 1 << (self.window_samples - 1).bit_length()

    def frames(self, samples: int) -> int:
        """Number of frames of so many samples; one if they do not fill a window."""
        return 1 + max(samples - self.window_samples, 0) // self.hop_samples

    @cached_property
    def filters(self) -> np.ndarray:
        """Triangles of height 1, equally wide in mel: [fft // 2 + 1, bands] float32.

        Mel is 2595 log10(1 + f / 700) (O'Shaughnessy 1987), as in HTK, and not Slaney's, which is
        linear up to 1 kHz; the heights are not divided by the widths, as Slaney's are.

        Raises:
          DataError: if a band is so narrow that no frequency lies in it.
        """
        high = self.rate / 2 if self.high is None else self.high
        low, high = (2595 * np.log10(1 + end / 700) for end in (self.low, high))
        edges = 700 * (10 ** (np.linspace(low, high, self.bands + 2) / 2595) - 1)
        frequencies = np.arange(self.fft // 2 + 1)[:, None] * self.rate / self.fft
        rising = (frequencies - edges[:-2]) / np.diff(edges)[:-1]
        falling = (edges[2:] - frequencies) / np.diff(edges)[1:]
        filters = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
        hollow = int((filters.max(axis=0) == 0).sum())
        if hollow:
            raise DataError(
                f"{hollow} of {self.bands} mel bands hold none of the frequencies of a transform "
                f"of {self.fft} samples; expected all to. Take fewer bands or a longer window"
            )
        return filters

    def log_mel(self, samples: jax.Array, lengths: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Natural logarithm of the energy in each mel band.

        Args:
          samples: [batch, samples] float32; what stands behind an utterance's end does not matter.
          lengths: [batch] integers, samples of each utterance.

        Returns:
          [batch, frames, bands] float32, and a mask [batch, frames], True within the utterance.
          An utterance shorter than a window has one frame, filled up by zeros.
        """
        window, hop = self.window_samples, self.hop_samples
        count = self.frames(samples.shape[1])
        inside = jnp.arange(samples.shape[1])[None] < lengths[:, None]
        sound = jnp.where(inside, samples, 0.0)
        missing = (count - 1) * hop + window - samples.shape[1]
        sound = jnp.pad(sound, ((0, 0), (0, max(missing, 0))))
        places = np.arange(count)[:, None] * hop + np.arange(window)[None]
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
        windows = sound[:, places] * hann.astype(np.float32)[None, None]
        energy = jnp.square(jnp.abs(jnp.fft.rfft(windows, self.fft)))
        mel = jnp.log(jnp.maximum(energy @ self.filters, self.floor))
        within = 1 + jnp.maximum(lengths - window, 0) // hop
        mask = jnp.arange(count)[None] < within[:, None]
        return jnp.where(mask[..., None], mel, 0.0), mask


def mfcc(log_mel: jax.Array, coefficients: int = 13) -> jax.Array:
    """Mel-frequency cepstral coefficients: the orthonormal DCT-II of log-mel bands.

    Args:
      log_mel: [..., bands] (Davis & Mermelstein 1980).
      coefficients: how many to keep, from the 0th on.

    Returns:
      [..., coefficients].

    Raises:
      DataError: if there are fewer bands.
    """
    bands = log_mel.shape[-1]
    if not 1 <= coefficients <= bands:
        raise DataError(f"{coefficients} coefficients of {bands} bands; expected 1 to {bands}")
    angles = np.pi / bands * np.outer(np.arange(bands) + 0.5, np.arange(coefficients))
    cosines = np.sqrt(2 / bands) * np.cos(angles)
    cosines[:, 0] /= np.sqrt(2)
    return log_mel @ cosines.astype(np.float32)


def normalise(features: jax.Array, mask: jax.Array, *, epsilon: float = 1e-3) -> jax.Array:
    """Give every utterance mean 0 and variance 1 in each feature, over its own frames.

    Args:
      features: [batch, frames, features].
      mask: [batch, frames], True within the utterance.
      epsilon: added to the deviation, for features that do not change.

    Returns:
      As the features, 0 outside of the mask.
    """
    precise = features.astype(jnp.promote_types(features.dtype, jnp.float32))
    weights = mask[..., None].astype(precise.dtype)
    count = jnp.maximum(weights.sum(axis=1, keepdims=True), 1)
    mean = (precise * weights).sum(axis=1, keepdims=True) / count
    centred = (precise - mean) * weights
    variance = jnp.square(centred).sum(axis=1, keepdims=True) / count
    # A square root of 0 would have no gradient, not even behind a `where`.
    changes = variance > 0
    deviation = jnp.where(changes, jnp.sqrt(jnp.where(changes, variance, 1)), 0)
    return (centred / (deviation + epsilon)).astype(jnp.result_type(features, float))
