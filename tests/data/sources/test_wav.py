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


def test_a_size_that_is_not_there_is_an_error_unless_it_was_not_known(file):
    """Programs that write into a pipe cannot go back and write how much it was."""
    content = bytearray(riff(struct.pack("<3h", 0, 16384, -32768)))
    content[40:44] = struct.pack("<I", 4_000_000_000)
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"6 bytes of samples where it says 4,000,000,000.*trunc"):
        read_wav(file)
    content[40:44] = b"\xff" * 4
    file.write_bytes(content + b"\x01")  # killed within a sample
    np.testing.assert_array_equal(read_wav(file)[0], [0, 0.5, -1])
    content[40:44] = content[4:8] = bytes(4)
    file.write_bytes(content)
    np.testing.assert_array_equal(read_wav(file)[0], [0, 0.5, -1])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rate": 0}, "has 0 samples a second; expected 100 to 192,000"),
        ({"rate": 2**31 - 1}, "has 2,147,483,647 samples a second; expected 100 to 192,000"),
        ({"channels": 0}, "cannot be read"),
        ({"channels": 65, "bits": 8}, "has 65 channels; expected 1 to 64"),
        ({"bits": 0}, "cannot be read"),
        ({"bits": 40}, "has samples of 40 bits in 5 bytes for 1 channels; expected integers of 8"),
        ({"bits": 16, "encoding": 3}, "has samples of 16 bits in 2 bytes .*floats of 32 or 64"),
    ],
)
def test_headers_that_no_sound_has_are_an_error(file, changes, says):
    rate = changes.pop("rate", 8000)
    content = bytearray(riff(bytes(1040), **changes))
    content[24:28] = struct.pack("<I", rate)
    file.write_bytes(content)
    with pytest.raises(DataError, match=rf"sound\.wav {says}"):
        read_wav(file)


def test_big_endian_and_extended_headers_are_read(file):
    about = struct.pack(">HHIIHH", 1, 1, 8000, 24000, 3, 24)
    chunks = b"fmt " + struct.pack(">I", 16) + about + b"data" + struct.pack(">I", 6)
    chunks += b"\x40\x00\x00\x80\x00\x00"
    file.write_bytes(b"RIFX" + struct.pack(">I", 4 + len(chunks)) + b"WAVE" + chunks)
    np.testing.assert_array_equal(read_wav(file)[0], [0.5, -1])
    about = struct.pack("<HHIIHH", 0xFFFE, 1, 8000, 16000, 2, 16)
    about += struct.pack("<HHIH", 22, 16, 4, 1) + bytes(14)
    chunks = b"fmt " + struct.pack("<I", 40) + about + b"data" + struct.pack("<Ih", 2, 16384)
    file.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)
    np.testing.assert_array_equal(read_wav(file)[0], [0.5])


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 2])
def test_what_scipy_writes_is_read_as_scipy_reads_it(file, dtype, channels):
    random = np.random.default_rng(0)
    shape = (50, channels) if channels > 1 else 50
    sound = random.uniform(0, 250, shape).astype(dtype)
    wavfile.write(file, 22_050, sound)
    samples, rate = read_wav(file)
    _, expected = wavfile.read(file)
    if dtype == np.uint8:
        expected = (expected.astype(np.float64) - 128) / 128
    elif np.issubdtype(dtype, np.integer):
        expected = expected / float(np.iinfo(dtype).max + 1.0)
    assert rate == 22_050
    np.testing.assert_array_equal(samples, np.float32(expected.reshape(50, -1).mean(axis=1)))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            b"ID3\x04" + bytes(99),
            "is an MP3 file; expected a wav file. Name the right file, or conv",
        ),
        (b"RF64" + b"\xff" * 4 + b"WAVE" + bytes(99), "is of RF64.*ffmpeg"),
        (riff(bytes(4))[:12] + bytes(99), "cannot be read"),
    ],
)
def test_what_it_is_instead_is_named(file, content, says):
    file.write_bytes(content)
    with pytest.raises(DataError, match=rf"sound\.wav {says}"):
        read_wav(file)


def test_numbers_too_large_are_an_error(file):
    file.write_bytes(riff(struct.pack("<2d", 0, 1e300), bits=64, encoding=3))
    with pytest.raises(DataError, match="not finite"):
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
    with pytest.raises(DataError, match=r"from 2,147,483,647 Hz to 8,000 Hz; .*192,000 Hz"):
        resample(slow, 2**31 - 1, 8000)
