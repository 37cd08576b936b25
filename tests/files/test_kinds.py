"""Files by their first bytes."""

import io
import time

import numpy as np
import pytest
from PIL import Image

from jtransfer.files.kinds import is_table_of_text, kind_of


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("PNG", "a PNG image"),
        ("JPEG", "a JPEG image"),
        ("GIF", "a GIF image"),
        ("WEBP", "a WebP image"),
        ("AVIF", "an AVIF image"),
        ("TIFF", "a TIFF image"),
        ("BMP", "a BMP image"),
        ("PPM", "a PPM image"),
        ("EPS", "a PostScript file"),
        ("PDF", "a PDF"),
    ],
)
def test_what_pillow_writes_is_named(form: str, kind: str):
    file = io.BytesIO()
    Image.new("RGB", (3, 2), "red").save(file, form)
    assert kind_of(file.getvalue()) == kind


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "a pointer of Git LFS, not the file itself",
        ),
        (b"\x1f\x8b\x08", "a gzip file"),
        (b"PK\x03\x04", "a zip archive"),
        (bytes(512) + b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "a wav file"),
        (b"MM\0+\0\x08\0\0", "a BigTIFF image"),
        (b"\0\x01\0\0\0\x13\x01\0", "a TrueType font"),
        (b"ttcf\0\x02\0\0", "a TrueType font"),
        (b"OTTO\0\x0b\0\x80", "an OpenType font"),
        (b"wOF2\0\x01\0\0", "a WOFF font"),
        (b"", None),
        (b"cat,0\ndog,1\n", None),
        (bytes(64), None),
    ],
)
def test_others_are_named_or_not(head: bytes, kind: str | None):
    assert kind_of(head) == kind


def test_an_array_is_known():
    file = io.BytesIO()
    np.save(file, np.arange(3))
    assert kind_of(file.getvalue()) == "a NumPy array"


def test_pages_and_bytes_are_no_tables():
    assert is_table_of_text("ID3,größe\tMZ\r\nP1 \n".encode())
    for head in (
        b"a,b\n\0",
        b"PK\x03\x04",
        b"\x1f\x8b\x08",
        b"\n <html>",
        b"<?xml version='1.0'?>",
    ):
        assert not is_table_of_text(head)


def test_no_head_takes_long():
    began = time.perf_counter()
    assert kind_of(b"<!---->" * 146) is None  # took a second for 20, twice as long for one more
    assert kind_of(b"<!--" * 256) is None
    assert kind_of(b"<!-- a --> <!-- b -->\n<svg") == "an SVG drawing"
    assert time.perf_counter() - began < 1
