"""Sound files: one wav file to samples, mono, between -1 and 1."""

import math
import struct
import warnings
from pathlib import Path

import numpy as np

from jtransfer.data.examples import DataError


def read_wav(path: Path | str) -> tuple[np.ndarray, int]:
    """Read a wav file of 8, 16, 24 or 32-bit integers or of 32 or 64-bit floats.

    Channels are averaged. Integers are divided by the largest of their width; floats are as they
    are, and may lie outside of -1 to 1.

    Args:
      path: the file.

    Returns:
      Samples [n] float32, and their rate in Hz.

    Raises:
      DataError: if the file is missing, empty, truncated or no wav, or holds no sample, an encoding
        such as A-law or ADPCM, or numbers that are not finite.
    """
    from scipy.io import wavfile

    path = Path(path)
    if not path.is_file():
        raise DataError(
            f"found no {path}; expected a wav file there. Put it there, or mend the list that "
            "names it"
        )
    if not path.stat().st_size:
        raise DataError(f"{path} is empty, 0 bytes; expected a wav file. Fetch it again")
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Chunk", wavfile.WavFileWarning)
            warnings.filterwarnings("error", "Reached EOF", wavfile.WavFileWarning)
            rate, samples = wavfile.read(path)
    except (ValueError, OSError, struct.error, wavfile.WavFileWarning) as error:
        if "Unknown wave file format" in str(error):
            raise DataError(
                f"{path} cannot be read ({error}); expected linear PCM of 8 to 32 bits, or floats. "
                "Convert it, for example by `ffmpeg -i in.wav -c:a pcm_s16le out.wav`"
            ) from error
        raise DataError(
            f"{path} cannot be read ({error}); expected a whole wav file. It is truncated or no "
            "wav: fetch it again"
        ) from error
    if not samples.size:
        raise DataError(f"{path} holds no sample; expected an utterance. Leave it out")
    mono = _between_ones(samples).reshape(len(samples), -1).mean(axis=1).astype(np.float32)
    if not np.isfinite(mono).all():
        raise DataError(
            f"{path} holds samples that are not finite; expected floats around -1 to 1. Leave it "
            "out or make it again"
        )
    return mono, rate


def resample(samples: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """Change the rate of [n] samples by a polyphase filter (`scipy.signal.resample_poly`).

    Raises:
      DataError: if a rate is not positive.
    """
    from scipy.signal import resample_poly

    if rate < 1 or new_rate < 1:
        raise DataError(f"from {rate} Hz to {new_rate} Hz; expected positive rates")
    if rate == new_rate:
        return samples
    common = math.gcd(rate, new_rate)
    return resample_poly(samples, new_rate // common, rate // common).astype(np.float32)


def _between_ones(samples: np.ndarray) -> np.ndarray:
    if samples.dtype == np.uint8:  # alone among the widths, 8 bits are unsigned
        return (samples.astype(np.float64) - 128) / 128
    if np.issubdtype(samples.dtype, np.integer):  # 24 bits come in the upper bytes of 32
        return samples.astype(np.float64) / -float(np.iinfo(samples.dtype).min)
    return samples
