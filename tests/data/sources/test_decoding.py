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
from jtransfer.data.sources.decoding import read_rgb, read_rgba

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def pixels(path):
    image = read_rgb(path)
    assert image.mode == "RGB"
    return np.asarray(image)


def flat(mode, colour, size=(4, 2)):
    return Image.new(mode, size, colour)


def chunk(kind, content):
    summed = kind + content
    return struct.pack(">I", len(content)) + summed + struct.pack(">I", zlib.crc32(summed))


def png_of_16_bit_rgb(colour):
    """One pixel; Pillow itself writes no such file."""
    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    line = b"\0" + struct.pack(">HHH", *colour)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(line)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (flat("RGB", (1, 2, 3)), (1, 2, 3)),
        (flat("L", 7), (7, 7, 7)),
        (flat("1", 1), (255, 255, 255)),
        (flat("RGBA", (10, 20, 30, 255)), (10, 20, 30)),
        (flat("RGBA", (10, 20, 30, 0)), (255, 255, 255)),  # nothing is seen of the colour
        (flat("RGBA", (0, 100, 255, 51)), (204, 224, 255)),  # .2 of the colour, .8 of white
        (flat("LA", (100, 0)), (255, 255, 255)),
        (flat("RGB", (9, 80, 200)).quantize(4), (9, 80, 200)),
        (Image.fromarray(np.full((2, 4), 0x12FF, np.uint16)), (0x12, 0x12, 0x12)),
    ],
    ids=["rgb", "grey", "bit", "opaque", "transparent", "half", "grey-alpha", "palette", "16-bit"],
)
def test_every_kind_of_png_becomes_rgb(tmp_path, image, expected):
    image.save(tmp_path / "a.png")
    np.testing.assert_array_equal(pixels(tmp_path / "a.png"), np.full((2, 4, 3), expected))


def test_a_transparent_colour_of_a_palette_shows_white(tmp_path):
    image = flat("P", 1)
    image.putpalette([*RED, *GREEN])
    image.putpixel((0, 0), 0)
    image.save(tmp_path / "a.png", transparency=1)
    shown = pixels(tmp_path / "a.png")
    np.testing.assert_array_equal(shown[0, 0], RED)
    np.testing.assert_array_equal(shown[1, 3], (255, 255, 255))


def test_of_16_bit_colours_the_upper_8_are_kept(tmp_path):
    (tmp_path / "a.png").write_bytes(png_of_16_bit_rgb((0x01FF, 0x8000, 0xFE00)))
    np.testing.assert_array_equal(pixels(tmp_path / "a.png"), [[(0x01, 0x80, 0xFE)]])


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (flat("L", 90, (8, 8)), (90, 90, 90)),
        (flat("CMYK", (0, 255, 255, 0), (8, 8)), RED),  # magenta and yellow ink
        (flat("CMYK", (0, 0, 0, 155), (8, 8)), (100, 100, 100)),
    ],
)
def test_grey_and_cmyk_jpegs_become_rgb(tmp_path, image, expected):
    image.save(tmp_path / "a.jpg", quality=100)
    np.testing.assert_allclose(pixels(tmp_path / "a.jpg"), np.full((8, 8, 3), expected), atol=2)


@pytest.mark.parametrize(
    ("orientation", "beginning", "end"),
    [  # where the EXIF standard says that the two ends of the first stored row are seen
        (1, "top left", "top right"),
        (2, "top right", "top left"),
        (3, "bottom right", "bottom left"),
        (4, "bottom left", "bottom right"),
        (5, "top left", "bottom left"),
        (6, "top right", "bottom right"),
        (7, "bottom right", "top right"),
        (8, "bottom left", "top left"),
    ],
)
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_exif_orientation_is_obeyed(tmp_path, orientation, beginning, end, suffix):
    side = 8  # of a patch: JPEG's blocks, so that each colour stays pure
    image = flat("RGB", BLUE, (3 * side, 2 * side))
    image.paste(RED, (0, 0, side, side))
    image.paste(GREEN, (2 * side, 0, 3 * side, side))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / f"a.{suffix}", exif=exif, subsampling=0)
    seen = pixels(tmp_path / f"a.{suffix}")
    assert seen.shape == ((16, 24, 3) if orientation <= 4 else (24, 16, 3))
    corners = {
        "top left": seen[0, 0],
        "top right": seen[0, -1],
        "bottom left": seen[-1, 0],
        "bottom right": seen[-1, -1],
    }
    np.testing.assert_allclose(corners[beginning], RED, atol=3)
    np.testing.assert_allclose(corners[end], GREEN, atol=3)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")
@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize(
    "exif",
    [b"Exif\0\0garbage!", b"Exif\0\0MM\0*\0\0", b"Exif\0\0MM\0*\0\0\0\x08\0\x05\x01\x12\0\x03"],
    ids=["garbage", "short", "cut"],
)
def test_a_damaged_exif_block_leaves_the_image_as_it_is(tmp_path, suffix, exif):
    flat("RGB", (50, 50, 50)).save(tmp_path / f"a.{suffix}", exif=exif)
    np.testing.assert_array_equal(pixels(tmp_path / f"a.{suffix}"), np.full((2, 4, 3), 50))


def test_the_content_says_what_a_file_is(tmp_path):
    flat("RGB", RED).save(tmp_path / "a.jpg", format="PNG")
    np.testing.assert_array_equal(pixels(tmp_path / "a.jpg"), np.full((2, 4, 3), RED))


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
    assert refusal(Path("a\0.jpg")).startswith("cannot be opened (embedded null byte); expected")


def test_names_of_any_bytes_are_read_and_said(tmp_path):
    for name in (b"caf\xe9.png", b"two\nlines.png", b"\xff\xfe.PNG"):
        path = tmp_path / os.fsdecode(name)
        flat("RGB", GREEN).save(path, format="PNG")
        np.testing.assert_array_equal(pixels(path), np.full((2, 4, 3), GREEN))
        path.write_bytes(path.read_bytes()[:40])
        assert "truncated or damaged" in refusal(path)


def test_of_several_pictures_the_first_is_taken(tmp_path):
    first, second = flat("RGB", RED, (16, 8)), flat("RGB", BLUE, (16, 8))
    for kind in ("GIF", "WEBP", "PNG", "TIFF", "AVIF"):
        first.save(tmp_path / "a", format=kind, save_all=True, append_images=[second])
        np.testing.assert_allclose(pixels(tmp_path / "a"), np.full((8, 16, 3), RED), atol=3)


@pytest.mark.parametrize("kind", ["WEBP", "TIFF", "AVIF"])
def test_exif_orientation_is_obeyed_in_later_kinds(tmp_path, kind):
    image = flat("RGB", BLUE, (24, 16))
    image.paste(RED, (0, 0, 8, 8))
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn: top left becomes top right
    image.save(tmp_path / "a", format=kind, exif=exif, quality=100)
    seen = pixels(tmp_path / "a")
    assert seen.shape == (24, 16, 3)
    np.testing.assert_allclose(seen[0, -1], RED, atol=40)


def test_numbers_of_32_bits_are_no_photograph(tmp_path):
    """Pillow would show .5 of 1 as black."""
    Image.fromarray(np.full((4, 4), 0.5, np.float32)).save(tmp_path / "a.tif")
    assert refusal(tmp_path / "a.tif").startswith("has pixels of the kind F (numbers of 32 bits")


def test_grey_of_16_bits_in_either_order_of_bytes(tmp_path):
    for order in ("<u2", ">u2"):
        Image.fromarray(np.full((2, 4), 0x12FF, order)).save(tmp_path / "a.tif")
        np.testing.assert_array_equal(pixels(tmp_path / "a.tif"), np.full((2, 4, 3), 0x12))
        assert np.asarray(read_rgba(tmp_path / "a.tif"))[0, 0].tolist() == [0x12] * 3 + [255]


def test_transparency_is_shown_on_white_in_strips_as_at_once(tmp_path, monkeypatch):
    random = np.random.default_rng(0)
    image = Image.fromarray(random.integers(256, size=(37, 11, 4), dtype=np.uint8))
    image.save(tmp_path / "a.png")
    whole = pixels(tmp_path / "a.png")
    ground = Image.new("RGBA", image.size, "white")
    np.testing.assert_array_equal(whole, Image.alpha_composite(ground, image).convert("RGB"))
    monkeypatch.setattr("jtransfer.data.sources.decoding._STRIP", 55)
    np.testing.assert_array_equal(pixels(tmp_path / "a.png"), whole)


def claiming(width, height, *extra):
    """A PNG of few bytes that says it has so many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    lines = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    parts = (chunk(b"IHDR", header), *extra, lines, chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (claiming(8200, 8200), r"of 8,200 x 8,200 pixels claims 256\.5 MiB of data in \d+ bytes"),
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
        "cannot be read (its text or colour profile unpacks to more than 1 MiB; expected less). "
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


def test_a_pillow_without_a_kind_is_not_the_files_fault(tmp_path, monkeypatch):
    flat("RGB", RED, (16, 16)).save(tmp_path / "a.avif")
    monkeypatch.setattr("PIL.features.check", lambda _: False)
    said = refusal(tmp_path / "a.avif")
    assert said.startswith("is an AVIF image, and Pillow was built without them here; expected")


def test_pillow_opens_files_in_one_place_alone():
    """And nobody else reads images by other doors, whose kinds nobody names."""
    root = Path(__file__).parents[2]
    doors = re.compile(
        r"\bImage\.open\(|\bimread\(|\bopen_image\(|imageio|ImageFile\.Parser|import open\b"
        r"|\bPIL\.open\(|decode_(image|png|jpeg)\("
    )
    own = {"jtransfer/data/sources/decoding.py", "tests/data/test_decoding.py"}
    found = [
        f"{file.relative_to(root)}:{number}"
        for folder in ("jtransfer", "experiments", "tests", "docs")
        for file in sorted((root / folder).rglob("*.py"))
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        if doors.search(line) and file.relative_to(root).as_posix() not in own
    ]
    assert found == []
    assert all(
        "formats=" in line for line in opening_lines(root / "jtransfer/data/sources/decoding.py")
    )


def opening_lines(file):
    lines = [line for line in file.read_text().splitlines() if "Image.open(" in line]
    assert lines
    return lines
