import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from jtransfer.data.feeds.crops import Crop
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


def test_a_large_jpeg_is_decoded_no_larger_than_needed(tmp_path):
    ramp = np.linspace(0, 255, 640, dtype=np.uint8)
    Image.fromarray(np.tile(ramp[None, :, None], (400, 1, 3))).save(tmp_path / "a.jpg", quality=95)
    Image.fromarray(np.tile(ramp[None, :, None], (400, 1, 3))).save(tmp_path / "a.png")
    sizes = [read_rgb(tmp_path / "a.jpg", at_least=pixels).size for pixels in (401, 201, 200, 50)]
    assert sizes == [(640, 400), (640, 400), (320, 200), (80, 50)]
    assert read_rgb(tmp_path / "a.jpg").size == read_rgb(tmp_path / "a.png", at_least=9).size
    crop = Crop(resize=50, size=40)
    small = crop(read_rgb(tmp_path / "a.jpg", at_least=crop.ample))
    np.testing.assert_allclose(small, crop(read_rgb(tmp_path / "a.jpg")), atol=2)
