"""A thousand damages of every kind of image that is read: a picture or a sentence, nothing else."""

import io
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jtransfer.data import DataError
from jtransfer.data.sources.decoding import read_rgb
from jtransfer.data.sources.image_opening import PHOTOGRAPHS
from tests.files.damage import damaged, survive


def _picture(mode: str = "RGB") -> Image.Image:
    """Blocks of colour with some noise, so that no part of a file is like another."""
    random = np.random.default_rng(0)
    blocks = random.integers(0, 200, (6, 8, 3)).repeat(8, 0).repeat(8, 1)
    noise = random.integers(0, 55, (48, 64, 3))
    return Image.fromarray((blocks + noise).astype(np.uint8)).convert(mode)


def _encoded(kind: str, mode: str = "RGB", **options) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    if kind in ("JPEG", "PNG", "WEBP", "AVIF", "TIFF"):
        options["exif"] = exif
    stream = io.BytesIO()
    _picture(mode).save(stream, kind, **options)
    return stream.getvalue()


def _rle_bmp() -> bytes:
    """Eight bits a pixel, run-length encoded: Pillow reads it and does not write it."""
    plain = _encoded("BMP", "L")
    start = int.from_bytes(plain[10:14], "little")
    rows = [plain[start + 64 * row : start + 64 * (row + 1)] for row in range(48)]
    packed = b"".join(
        b"".join(bytes((1, value)) for value in row[:32]) + bytes((0, 32)) + row[32:] + b"\0\0"
        for row in rows
    )
    packed += b"\0\1"
    header = bytearray(plain[:start])
    header[30] = 1  # BI_RLE8
    header[34:38] = len(packed).to_bytes(4, "little")
    return bytes(header) + packed


_MOVING = {"save_all": True, "append_images": [_picture().rotate(90)]}
KINDS = {
    "JPEG": lambda: _encoded("JPEG", quality=90),
    "progressive JPEG": lambda: _encoded("JPEG", "CMYK", progressive=True, optimize=True),
    "PNG": lambda: _encoded("PNG"),
    "PNG with a palette": lambda: _encoded("PNG", "P", transparency=3, optimize=True),
    "WebP": lambda: _encoded("WEBP", quality=80),
    "lossless WebP": lambda: _encoded("WEBP", "RGBA", lossless=True),
    "moving WebP": lambda: _encoded("WEBP", **_MOVING),
    "BMP": lambda: _encoded("BMP"),
    "RLE BMP": _rle_bmp,
    "TIFF": lambda: _encoded("TIFF"),
    "LZW TIFF": lambda: _encoded("TIFF", compression="tiff_lzw"),
    "JPEG TIFF": lambda: _encoded("TIFF", compression="jpeg"),
    "deflated TIFF": lambda: _encoded("TIFF", "CMYK", compression="tiff_adobe_deflate"),
    "fax TIFF": lambda: _encoded("TIFF", "1", compression="group4"),
    "GIF": lambda: _encoded("GIF"),
    "moving GIF": lambda: _encoded("GIF", **_MOVING),
    "AVIF": lambda: _encoded("AVIF"),
    "PPM": lambda: _encoded("PPM"),
}


def _read(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    read_rgb(path, kinds=(*PHOTOGRAPHS, "a PPM image"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_file_is_read_as_it_was_written(kind, tmp_path):
    (tmp_path / "a").write_bytes(KINDS[kind]())
    read = read_rgb(tmp_path / "a", kinds=(*PHOTOGRAPHS, "a PPM image"))
    turned = any(kind.endswith(each) for each in ("JPEG", "PNG", "palette", "WebP", "TIFF", "AVIF"))
    assert read.size == ((48, 64) if turned else (64, 48))


@pytest.mark.parametrize("kind", KINDS)
def test_sixty_damages_of_a_kind_give_a_picture_or_a_sentence(kind, tmp_path):
    """In this process, since the slow test has shown that it survives."""
    refused = 0
    for _, content in damaged(KINDS[kind](), 60, seed=1):
        try:
            _read(tmp_path / "a", content)
        except DataError:
            refused += 1
    assert refused > 5


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_thousand_damages_of_a_kind(kind, tmp_path):
    outcome = survive(partial(_read, tmp_path / "a"), KINDS[kind](), 1000, error=DataError)
    print(kind, outcome)
    assert not outcome.faults
    assert outcome.refused > 50
