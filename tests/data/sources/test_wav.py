import struct

import numpy as np
import pytest
from scipy.io import wavfile

from jtransfer.data import DataError
from jtransfer.data.sources.wav import read_wav, resample


def riff(data, *, bits=16, channels=1, encoding=1, rate=8000):
    """A wav file by its definition, of any encoding and width."""
    align = channels * bits // 8
    about = struct.pack("<HHIIHH", encoding, channels, rate, rate * align, align, bits)
    chunks = b"fmt " + struct.pack("<I", len(about)) + about
    chunks += b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


@pytest.fixture
def file(tmp_path):
    return tmp_path / "sound.wav"


@pytest.mark.parametrize(
    ("bits", "encoding", "data", "expected"),
    [
        (8, 1, bytes([0, 128, 192]), [-1, 0, 0.5]),
        (16, 1, struct.pack("<3h", -32768, 0, 16384), [-1, 0, 0.5]),
        (24, 1, b"\x00\x00\x80" + b"\x00\x00\x00" + b"\x00\x00\x40", [-1, 0, 0.5]),
        (32, 1, struct.pack("<3i", -(2**31), 0, 2**30), [-1, 0, 0.5]),
        (32, 3, struct.pack("<3f", -1.5, 0, 0.5), [-1.5, 0, 0.5]),
        (64, 3, struct.pack("<3d", -1, 0, 0.5), [-1, 0, 0.5]),
    ],
)
def test_every_width_is_read_to_the_same_numbers(file, bits, encoding, data, expected):
    file.write_bytes(riff(data, bits=bits, encoding=encoding))
    samples, rate = read_wav(file)
    assert (samples.dtype, rate) == (np.float32, 8000)
    np.testing.assert_array_equal(samples, np.float32(expected))


def test_channels_are_averaged(file):
    wavfile.write(file, 16000, np.array([[0.5, 0.25], [-1.0, 0.0]], np.float32))
    samples, rate = read_wav(file)
    assert rate == 16000
    np.testing.assert_array_equal(samples, [0.375, -0.5])


def test_other_chunks_are_passed_over(file):
    content = riff(struct.pack("<2h", 0, 16384))
    extra = b"junk" + struct.pack("<I", 4) + b"abcd"
    size = struct.pack("<I", struct.unpack("<I", content[4:8])[0] + len(extra))
    file.write_bytes(content[:4] + size + content[8:12] + extra + content[12:])
    np.testing.assert_array_equal(read_wav(file)[0], [0, 0.5])


@pytest.mark.parametrize("kept", [3, 10, 20, 30, 44, 45, 100, 243])
def test_a_truncated_file_is_an_error(file, kept):
    file.write_bytes(riff(bytes(200))[:kept])
    with pytest.raises(DataError, match=r"sound\.wav cannot be read .*truncated or no wav"):
        read_wav(file)


def test_a_missing_or_empty_file_is_an_error(file):
    with pytest.raises(DataError, match=r"sound\.wav is not there"):
        read_wav(file)
    file.touch()
    with pytest.raises(DataError, match=r"sound\.wav is empty, 0 bytes"):
        read_wav(file)
    file.write_bytes(riff(b""))
    with pytest.raises(DataError, match=r"sound\.wav holds no sample"):
        read_wav(file)


@pytest.mark.parametrize("encoding", [6, 0x11])
def test_an_encoding_that_is_not_linear_is_an_error(file, encoding):
    file.write_bytes(riff(bytes(100), bits=8, encoding=encoding))
    with pytest.raises(DataError, match=r"(ALAW|ADPCM).*expected linear PCM.*ffmpeg"):
        read_wav(file)


def test_numbers_that_are_not_finite_are_an_error(file):
    file.write_bytes(riff(struct.pack("<2f", 0, np.nan), bits=32, encoding=3))
    with pytest.raises(DataError, match="not finite"):
        read_wav(file)


def test_resampling_keeps_a_tone():
    times = np.arange(16000) / 16000
    slow = resample(np.sin(2 * np.pi * 440 * times).astype(np.float32), 16000, 8000)
    assert (len(slow), slow.dtype) == (8000, np.float32)
    inner = slice(200, -200)
    np.testing.assert_allclose(slow[inner], np.sin(2 * np.pi * 440 * times[::2])[inner], atol=2e-3)
    with pytest.raises(DataError, match="expected positive rates"):
        resample(slow, 8000, 0)
