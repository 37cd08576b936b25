"""What a file is by its first bytes, whatever its name says."""

import re

# To its first end and no further: with two ways to read one, many would be tried in all of them.
_COMMENT = rb"<!--(?>.*?-->)\s*"

# In this order: the first that fits. Names are what an error says: "is a WebP image".
_KINDS: tuple[tuple[str, bytes], ...] = (
    ("a PNG image", rb"\x89PNG\r\n\x1a\n"),
    ("a JPEG image", rb"\xff\xd8\xff"),
    ("a GIF image", rb"GIF8[79]a"),
    ("a WebP image", rb"RIFF....WEBP"),
    ("a wav file", rb"(RIFF|RIFX|RF64)....WAVE"),
    ("an AVIF image", rb"....ftypavi[fs]"),
    ("a HEIC image", rb"....ftyp(heic|heix|hevc|mif1|msf1)"),
    ("a JPEG 2000 image", rb"\x00\x00\x00\x0cjP  "),
    ("a TIFF image", rb"II\*\x00|MM\x00\*"),
    ("a BigTIFF image", rb"II\+\x00|MM\x00\+"),
    ("a BMP image", rb"BM.{4}\x00\x00\x00\x00"),
    ("a PPM image", rb"P[1-6]\s"),
    ("a PostScript file", rb"%!PS|\xc5\xd0\xd3\xc6"),
    ("a PDF", rb"%PDF-"),
    ("an SVG drawing", rb"\s*(<\?xml[^>]*>\s*)?(%b)*(<!DOCTYPE svg[^>]*>\s*)?<svg\b" % _COMMENT),
    ("a TrueType font", rb"\x00\x01\x00\x00\x00|true\x00|ttcf\x00"),
    ("an OpenType font", rb"OTTO\x00"),
    ("a WOFF font", rb"wOF[F2]"),
    ("an HTML page", rb"\s*<(!doctype\s+html|html|head|body)\b"),
    ("an XML file", rb"\s*<\?xml\b"),
    ("a pointer of Git LFS, not the file itself", rb"version https://git-lfs\.github\.com/spec"),
    ("a zip archive", rb"PK(\x03\x04|\x05\x06|\x07\x08)"),
    ("a gzip file", rb"\x1f\x8b"),
    ("an xz file", rb"\xfd7zXZ\x00"),
    ("a bzip2 file", rb"BZh[1-9]"),
    ("a 7-Zip archive", rb"7z\xbc\xaf\x27\x1c"),
    ("a RAR archive", rb"Rar!\x1a\x07"),
    ("a Zstandard file", rb"\x28\xb5\x2f\xfd"),
    ("a tar archive", rb".{257}ustar"),
    ("an HDF5 file", rb"(.{512})?\x89HDF\r\n\x1a\n"),
    ("a MATLAB file", rb"MATLAB 5\.0 MAT-file"),
    ("a NumPy array", rb"\x93NUMPY"),
    ("an MP3 file", rb"ID3|\xff[\xfb\xf3\xf2]"),
    ("a FLAC file", rb"fLaC"),
    ("an Ogg file", rb"OggS"),
    ("a program", rb"\x7fELF|MZ.{56}|\xcf\xfa\xed\xfe"),
)
_PATTERNS = tuple((name, re.compile(magic, re.DOTALL | re.IGNORECASE)) for name, magic in _KINDS)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")  # no tab, no end of a line or page

HEAD = 1024  # bytes that `kind_of` looks at


def kind_of(head: bytes) -> str | None:
    r"""What kind of file begins like this, in words with their article, or None if none is known.

    >>> kind_of(b"RIFF\x10\x00\x00\x00WEBPVP8 ")
    'a WebP image'
    """
    return next((name for name, magic in _PATTERNS if magic.match(head)), None)


def is_table_of_text(head: bytes) -> bool:
    r"""Whether a file that begins like this may be a table or a list: no page, no bytes but text.

    >>> is_table_of_text(b"path,label\n"), is_table_of_text(b"<!doctype html>\n<html>")
    (True, False)
    """
    return not _CONTROL.search(head) and kind_of(head) not in ("an HTML page", "an XML file")
