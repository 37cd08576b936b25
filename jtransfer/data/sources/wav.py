"""Sound files: one wav file to samples, mono, between -1 and 1.

The format is RIFF's (IBM and Microsoft, "Multimedia Programming Interface and Data Specifications
1.0", 1991, pages 56 to 65).
"""

import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.files.memory import require_memory
from jtransfer.files.reading import read_bytes, reading

RATES = (100, 192_000)  # Hz, lowest and highest; a filter between two rates is as long as they are
_MOST_CHANNELS = 64
_MOST_CHUNKS = 1000  # before the samples
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_ENCODINGS = {2: "ADPCM", 6: "ALAW", 7: "MULAW", 0x11: "IMA ADPCM", 0x31: "GSM", 0x55: "MP3"}
_UNKNOWN = 0xFFFFFFFF  # the size that is written where the end is not known yet: into a pipe


def read_wav(path: Path | str) -> tuple[np.ndarray, int]:
    """Read a wav file of 8, 16, 24 or 32-bit integers or of 32 or 64-bit floats.

    Channels are averaged. Integers are divided by the largest of their width; floats are as they
    are, and may lie outside of -1 to 1. Where the header says that the size was not known when it
    was written (0xFFFFFFFF, or 0 for the samples and the file alike), the samples are all that
    follows; any other size must be there.

    Args:
      path: the file.

    Returns:
      Samples [n] float32, and their rate in Hz.

    Raises:
      DataError: if the file is missing, empty, truncated or no wav, or holds no sample, an encoding
        such as A-law or ADPCM, numbers that are not finite, more than 64 channels, or samples at a
        rate outside of 100 to 192,000 Hz.
    """
    path = Path(path)
    absent = "Put it there, or mend the list that names it"
    damaged = "It is truncated or no wav: fetch it again"
    with reading(
        path, "a wav file", error=DataError, kinds=("a wav file",), absent=absent, damaged=damaged
    ):
        form, data = _chunks(memoryview(read_bytes(path)), path)
        _require_usual(form, path)
        if len(data) % form.frame:
            raise EOFError("the data ends within a sample")
    if not len(data):
        raise DataError(f"{path} holds no sample; expected an utterance. Leave it out")
    count = len(data) // form.frame
    require_memory(16 * count * form.channels, str(path), error=DataError)
    with np.errstate(over="ignore", invalid="ignore"):  # what is no number is named below
        mono = _between_ones(data, form).reshape(count, -1).mean(axis=1).astype(np.float32)
    if not np.isfinite(mono).all():
        raise DataError(
            f"{path} holds samples that are not finite; expected floats around -1 to 1. Leave it "
            "out or make it again"
        )
    return mono, form.rate


def resample(samples: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """Change the rate of [n] samples by a polyphase filter (`scipy.signal.resample_poly`).

    Raises:
      DataError: if a rate is outside of `RATES`.
    """
    from scipy.signal import resample_poly

    if not (RATES[0] <= rate <= RATES[1] and RATES[0] <= new_rate <= RATES[1]):
        raise DataError(
            f"from {rate:,} Hz to {new_rate:,} Hz; expected positive rates, {RATES[0]} to "
            f"{RATES[1]:,} Hz"
        )
    if rate == new_rate:
        return samples
    common = math.gcd(rate, new_rate)
    needed = 8 * len(samples) * new_rate // rate
    require_memory(needed, f"sound at {new_rate:,} Hz", error=DataError)
    return resample_poly(samples, new_rate // common, rate // common).astype(np.float32)


class _Form(NamedTuple):
    encoding: int
    channels: int
    rate: int
    frame: int  # bytes of one sample of all channels
    bits: int
    order: str


def _chunks(content: memoryview, path: Path) -> tuple[_Form, memoryview]:
    """How the samples are written, and their bytes."""
    kind, whole, wave = struct.unpack_from("<4sI4s", content)
    if kind == b"RF64":
        raise DataError(
            f"{path} is of RF64, for sounds of over 4 GiB; expected RIFF. Convert it, for example "
            "by `ffmpeg -i in.wav -rf64 never out.wav`"
        )
    if kind not in (b"RIFF", b"RIFX") or wave != b"WAVE":
        raise ValueError(f"it begins with {bytes(content[:12])!r}")
    order = "<" if kind == b"RIFF" else ">"
    form = None
    for name, size, start in _listed(content, order):
        if name == b"fmt ":
            form = _form(content[start : start + size], order)
        if name == b"data":
            if form is None:
                raise ValueError("its samples come before their format")
            if size == _UNKNOWN or (size == whole == 0):
                size = (len(content) - start) // form.frame * form.frame
            if size > len(content) - start:
                raise EOFError(f"{len(content) - start:,} bytes of samples where it says {size:,}")
            return form, content[start : start + size]
    raise EOFError("it has no samples")


def _listed(content: memoryview, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Name, size and start of each chunk, the samples' last."""
    place = 12
    for _ in range(_MOST_CHUNKS):
        name, size = struct.unpack_from(f"{order}4sI", content, place)
        yield name, size, place + 8
        place += 8 + size + size % 2  # chunks begin at even places
    raise ValueError(f"over {_MOST_CHUNKS:,} chunks before its samples")


def _form(chunk: memoryview, order: str) -> _Form:
    encoding, channels, rate, _, frame, bits = struct.unpack_from(f"{order}HHIIHH", chunk)
    if encoding == _EXTENSIBLE:  # the encoding begins the GUID at byte 24
        (encoding,) = struct.unpack_from(f"{order}H", chunk, 24)
    if not frame:
        raise ValueError("samples of 0 bytes")
    return _Form(encoding, channels, rate, frame, bits, order)


def _require_usual(form: _Form, path: Path) -> None:
    """Refuse encodings that are not linear, and numbers that no sound has."""
    width = form.frame // form.channels if form.channels else 0
    widths = {_PCM: (1, 2, 3, 4), _FLOAT: (4, 8)}.get(form.encoding)
    if widths is None:
        encoding = _ENCODINGS.get(form.encoding, f"number {form.encoding:#06x}")
        raise DataError(
            f"{path} is of the encoding {encoding}; expected linear PCM of 8 to 32 bits, or "
            "floats. Convert it, for example by `ffmpeg -i in.wav -c:a pcm_s16le out.wav`"
        )
    if not 1 <= form.channels <= _MOST_CHANNELS:
        raise DataError(
            f"{path} has {form.channels:,} channels; expected 1 to {_MOST_CHANNELS}. It is "
            "damaged: fetch it again"
        )
    if not RATES[0] <= form.rate <= RATES[1]:
        raise DataError(
            f"{path} has {form.rate:,} samples a second; expected {RATES[0]} to {RATES[1]:,}. It "
            "is damaged, or no sound: fetch it again"
        )
    whole = form.frame == width * form.channels and -(-form.bits // 8) == width
    if width not in widths or not whole:
        raise DataError(
            f"{path} has samples of {form.bits} bits in {form.frame} bytes for {form.channels} "
            "channels; expected integers of 8, 16, 24 or 32 bits, or floats of 32 or 64. Convert "
            "it, for example by `ffmpeg -i in.wav -c:a pcm_s16le out.wav`"
        )


def _between_ones(data: memoryview, form: _Form) -> np.ndarray:
    """All numbers as floats, channel by channel."""
    width = form.frame // form.channels
    if form.encoding == _FLOAT:
        return np.frombuffer(data, f"{form.order}f{width}")
    if width == 1:  # alone among the widths, 8 bits are unsigned
        return (np.frombuffer(data, np.uint8).astype(np.float64) - 128) / 128
    if width == 3:  # into the upper bytes of 32 bits
        parts = np.frombuffer(data, np.uint8).reshape(-1, 3)
        padded = np.zeros((len(parts), 4), np.uint8)
        padded[:, slice(1, 4) if form.order == "<" else slice(0, 3)] = parts
        data, width = memoryview(padded.tobytes()), 4
    numbers = np.frombuffer(data, f"{form.order}i{width}")
    return numbers.astype(np.float64) / 2.0 ** (8 * width - 1)
