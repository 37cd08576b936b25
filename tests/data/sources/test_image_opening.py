import io
import os
import re
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jtransfer.data import DataError
from jtransfer.data.sources.decoding import read_rgb
from jtransfer.data.sources.image_opening import decoded

RED, GREEN = (255, 0, 0), (0, 255, 0)


def pixels(path):
    return np.asarray(read_rgb(path))


def flat(mode, colour, size=(4, 2)):
    return Image.new(mode, size, colour)


def chunk(kind, content):
    summed = kind + content
    return struct.pack(">I", len(content)) + summed + struct.pack(">I", zlib.crc32(summed))


def encoded(kind):
    noise = np.random.default_rng(0).integers(256, size=(40, 40, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, format=kind)
    return stream.getvalue()


IMAGE = "expected a whole JPEG, PNG, WebP, BMP, TIFF, GIF or AVIF image"
DAMAGED = "It is truncated or damaged: fetch it again, or leave it out"


def refusal(path, **options):
    with pytest.raises(DataError) as caught:
        read_rgb(path, **options)
    return str(caught.value).removeprefix(f"{path} ")


@pytest.mark.parametrize(
    "content",
    [
        encoded("JPEG")[:1500],
        encoded("JPEG")[:30],
        encoded("PNG")[:1500],
        encoded("PNG").replace(b"IDAT", b"IDXT", 1),
        encoded("WEBP")[:500],
        encoded("GIF")[:500],
        encoded("TIFF")[:500],
    ],
    ids=["cut-jpeg", "jpeg-header", "cut-png", "damaged-png", "cut-webp", "cut-gif", "cut-tiff"],
)
def test_what_is_no_whole_image_is_said_to_be_damaged(tmp_path, content):
    path = tmp_path / "bad.jpg"
    path.write_bytes(content)
    said = refusal(path)
    assert said.startswith("cannot be read (")
    assert said.endswith(f"; {IMAGE}. {DAMAGED}")
    assert "0x" not in said  # no object of Python's


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF"])
def test_a_wrong_suffix_does_not_matter(tmp_path, kind):
    flat("RGB", RED, (16, 8)).save(tmp_path / "a", format=kind)
    (tmp_path / "a").rename(tmp_path / "a.jpg")
    np.testing.assert_allclose(pixels(tmp_path / "a.jpg"), np.full((8, 16, 3), RED), atol=3)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is a PostScript file"),
        (b"%PDF-1.7\n", "is a PDF"),
        (b"<html>not found</html>", "is an HTML page"),
        (b"<?xml version='1.0'?><svg xmlns='a'/>", "is an SVG drawing"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS, not the file"),
        (b"P6 1 1 255 abc", "is a PPM image"),
        (b"", "is empty, 0 bytes"),
    ],
)
def test_another_kind_of_file_is_named(tmp_path, content, cause):
    (tmp_path / "a.jpg").write_bytes(content)
    said = refusal(tmp_path / "a.jpg")
    assert said.startswith(cause)
    assert IMAGE in said
    assert "damaged" not in said


def test_a_file_that_begins_as_no_image_is_not_called_damaged(tmp_path):
    (tmp_path / "a.png").write_bytes(bytes(100))
    assert refusal(tmp_path / "a.png") == (
        rf"begins as no image does ({bytes(8)!r}); {IMAGE}. Fetch it again, or leave it out"
    )


def test_no_other_program_is_started(tmp_path, monkeypatch):
    """Pillow hands PostScript to Ghostscript, whatever the file is called."""

    def start(*_, **__):
        raise AssertionError("a program was started")

    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", start)
    flat("RGB", RED).save(tmp_path / "a", format="EPS")
    (tmp_path / "a").rename(tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image, pytest.raises(AssertionError, match="started"):
        image.load()  # so that the test would notice
    assert refusal(tmp_path / "a.jpg").startswith("is a PostScript file; expected")


def test_what_is_no_file_is_named_and_not_waited_for(tmp_path):
    assert refusal(tmp_path / "a.jpg").startswith("is not there; expected")
    assert refusal(tmp_path).startswith("is a folder; expected")
    os.mkfifo(tmp_path / "a.jpg")
    assert refusal(tmp_path / "a.jpg").startswith("is a pipe, a socket or a device, no file;")
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    assert refusal(tmp_path / "loop.jpg").startswith("cannot be opened (Too many levels of symb")
    # In what words is Python's own affair.
    assert re.match(r"cannot be opened \(.*embedded null .*\); expected", refusal(Path("a\0.jpg")))


def test_names_of_any_bytes_are_read_and_said(tmp_path):
    for name in (b"caf\xe9.png", b"two\nlines.png", b"\xff\xfe.PNG"):
        path = tmp_path / os.fsdecode(name)
        flat("RGB", GREEN).save(path, format="PNG")
        np.testing.assert_array_equal(pixels(path), np.full((2, 4, 3), GREEN))
        path.write_bytes(path.read_bytes()[:40])
        assert "truncated or damaged" in refusal(path)


def test_numbers_of_32_bits_are_no_photograph(tmp_path):
    """Pillow would show .5 of 1 as black."""
    Image.fromarray(np.full((4, 4), 0.5, np.float32)).save(tmp_path / "a.tif")
    assert refusal(tmp_path / "a.tif").startswith("has pixels of the kind F (numbers of 32 bits")


def claiming(width, height, *extra):
    """A PNG of few bytes that says it has so many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    lines = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    parts = (chunk(b"IHDR", header), *extra, lines, chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def claiming_webp(width, height):
    """A moving WebP image of few bytes whose canvas has so many pixels."""
    stream = io.BytesIO()
    pictures = [flat("RGB", colour, (16, 16)) for colour in (RED, GREEN)]
    pictures[0].save(stream, "WEBP", save_all=True, append_images=pictures[1:])
    content = bytearray(stream.getvalue())
    at = content.index(b"VP8X") + 12
    content[at : at + 6] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(content)


def claiming_rle(width, height):
    """A run-length encoded BMP that says so; Pillow fills a missing row a byte at a time."""
    stream = io.BytesIO()
    flat("L", 7, (16, 16)).save(stream, "BMP")
    content = bytearray(stream.getvalue())
    content[18:26] = struct.pack("<II", width, height)
    content[30] = 1
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (claiming(8200, 8200), r"of 8,200 x 8,200 pixels claims 256\.5 MiB of data in \d+ bytes"),
        (claiming_webp(7000, 7000), r"of 7,000 x 7,000 pixels claims 280\.4 MiB of data in \d+ b"),
        (claiming_rle(20_000_000, 1), "of 20,000,000 x 1 pixels is a run-length encoded BMP; exp"),
        (claiming(60_000, 60_000), r"cannot be read \(Image size \(3600000000 pixels\) exceeds"),
        (claiming(0, 5), r"cannot be read"),
        (b"BM" + bytes(24), "cannot be read"),
    ],
)
def test_sizes_are_looked_at_before_memory_is_taken(tmp_path, monkeypatch, content, cause):
    def load(*_):
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    (tmp_path / "a.png").write_bytes(content)
    before = Image.MAX_IMAGE_PIXELS
    assert re.match(cause, refusal(tmp_path / "a.png"))
    assert before == Image.MAX_IMAGE_PIXELS == 89_478_485  # Pillow's own, not changed


def test_a_large_photograph_is_no_bomb(tmp_path):
    noise = np.random.default_rng(0).integers(256, size=(64, 64, 3), dtype=np.uint8)
    Image.fromarray(np.tile(noise, (32, 32, 1))).save(tmp_path / "a.jpg", quality=90)
    assert read_rgb(tmp_path / "a.jpg").size == (2048, 2048)


def text(kind, key, size):
    return chunk(kind, key + b"\0\0" + zlib.compress(bytes(size)))


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP"])
def test_text_that_unpacks_to_much_is_named(tmp_path, kind):
    (tmp_path / "a.png").write_bytes(claiming(4, 4, text(kind, b"about", 1 << 24)))
    assert refusal(tmp_path / "a.png") == (
        "cannot be read (its text or colour profile unpacks to more than 1 MiB); expected less. "
        "Save it without, or leave it out"
    )


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_exif_that_names_its_bytes_over_and_over_takes_no_memory(tmp_path, suffix):
    """6,000 entries that all are the same 60 kB would be 360 MB; 60,000 of 600 kB, 36 GB."""
    entry = struct.Struct(">HHII")
    entries = b"".join(entry.pack(tag, 7, 60_000, 8) for tag in range(1, 6000))
    block = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 5999) + entries + bytes(4)
    path = tmp_path / f"a.{suffix}"
    if suffix == "jpg":  # whose segments are 64 kB at most, and are put together
        flat("RGB", RED, (8, 8)).save(path)
        parts = [block[6:][at : at + 60_000] for at in range(0, len(block), 60_000)]
        segments = [
            b"\xff\xe1" + struct.pack(">H", len(part) + 8) + b"Exif\0\0" + part for part in parts
        ]
        content = path.read_bytes()
        path.write_bytes(content[:2] + b"".join(segments) + content[2:])
    else:
        flat("RGB", RED, (8, 8)).save(path, exif=block, lossless=True)
    tracemalloc.start()
    np.testing.assert_allclose(pixels(path), np.full((8, 8, 3), RED), atol=3)
    assert tracemalloc.get_traced_memory()[1] < 1 << 25
    tracemalloc.stop()


def test_a_jpeg_that_is_decoded_over_and_over_is_refused(tmp_path):
    """64 million pixels with 5,000 scans, in a megabyte, would take a quarter of an hour."""
    stream = io.BytesIO()
    flat("RGB", RED, (64, 64)).save(stream, "JPEG", progressive=True)
    content = stream.getvalue()
    end, last = content[-2:], content[content.rindex(b"\xff\xda") : -2]
    scans = content.count(b"\xff\xda")
    path = tmp_path / "a.jpg"
    for more, after in ((0, b""), (100 - scans, b""), (0, last * 200)):  # a film may come after it
        path.write_bytes(content[:-2] + last * more + end + after)
        np.testing.assert_allclose(pixels(path), np.full((64, 64, 3), RED), atol=3)
    path.write_bytes(content[:-2] + last * (101 - scans) + end)
    assert refusal(path).startswith("has 101 scans of its pixels; expected at most 100, where a")


def test_an_image_in_memory_is_decoded_by_the_same_rules():
    """As the records of a prepared set are, in the mode that they have."""
    with decoded(io.BytesIO(encoded("PNG")), "set: image 3") as image:
        assert (image.mode, image.size) == ("RGB", (40, 40))
    for content, said in (
        (
            encoded("WEBP"),
            "is a WebP image; expected a whole PNG image. Convert it, or leave it out",
        ),
        (b"", "is empty, 0 bytes; expected a whole PNG image. Fetch it again, or leave it out"),
        (
            encoded("PNG")[:40],
            "cannot be read (the header of a PNG image that is none); expected a "
            "whole PNG image. Prepare the set again",
        ),
    ):
        with (
            pytest.raises(DataError) as caught,
            decoded(
                io.BytesIO(content),
                "image 3",
                kinds=("a PNG image",),
                damaged="Prepare the set again",
            ),
        ):
            pass
        assert str(caught.value) == f"image 3 {said}"


def test_memory_that_runs_out_is_no_damage(tmp_path, monkeypatch):
    def load(*_):
        raise MemoryError

    flat("RGB", RED).save(tmp_path / "a.png")
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    assert refusal(tmp_path / "a.png") == (
        "cannot be read (memory ran out); expected a smaller one. Scale it down, or leave it out"
    )


def test_a_pillow_without_a_kind_is_not_the_files_fault(tmp_path, monkeypatch):
    flat("RGB", RED, (16, 16)).save(tmp_path / "a.avif")
    monkeypatch.setattr("PIL.features.check", lambda _: False)
    said = refusal(tmp_path / "a.avif")
    assert said.startswith("is an AVIF image, and Pillow was built without them here; expected")


def test_pillow_opens_files_in_one_place_alone():
    """And nobody else reads images by other doors, whose kinds nobody names."""
    root = Path(__file__).parents[3]
    doors = re.compile(
        r"\bImage\.open\(|\bimread\(|\bopen_image\(|imageio|ImageFile\.Parser|import open\b"
        r"|\bPIL\.open\(|decode_(image|png|jpeg)\("
    )
    own = {"jtransfer/data/sources/image_opening.py", "tests/data/sources/test_image_opening.py"}
    found = [
        f"{file.relative_to(root)}:{number}"
        for folder in ("jtransfer", "experiments", "tests", "docs")
        for file in sorted((root / folder).rglob("*.py"))
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        if doors.search(line) and file.relative_to(root).as_posix() not in own
    ]
    assert found == []
    opening = (root / "jtransfer/data/sources/image_opening.py").read_text()
    assert re.findall(r"Image\.open\(.*", opening) == [
        "Image.open(stream, formats=(_FORMATS[kind],)) as image:"
    ]
