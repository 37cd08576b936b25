"""Changes of a traffic sign's picture, RGBA: its border, its symbol, its stripes."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image


def without_black(picture: "Image") -> "Image":
    """Black made white; opacity stays."""
    from PIL import Image

    pixels = np.array(picture)
    pixels[_darker(pixels, 90), :3] = 255
    return Image.fromarray(pixels)


def largest_dark_part(picture: "Image") -> "Image":
    """Of the dark parts only the largest; the others made white."""
    from PIL import Image
    from scipy.ndimage import label

    pixels = np.array(picture)
    dark = _darker(pixels, 160) & (pixels[..., 3] > 200)
    labelled: Any = label(dark)
    parts = labelled[0]
    sizes = np.bincount(parts[dark], minlength=2)
    pixels[dark & (parts != sizes.argmax()), :3] = 255
    return Image.fromarray(pixels)


def bordered(picture: "Image", border: "Image") -> "Image":
    """What is inside one sign's red border, inside that of another."""
    from PIL import Image

    inside, room = inside_border(picture), inside_border(border)
    source, target = (Image.fromarray(mask).getbbox() for mask in (inside, room))
    if source is None or target is None:
        return picture
    white = Image.new("RGBA", picture.size, "white")
    white.paste(picture, mask=Image.fromarray(inside))
    scaled = white.crop(source).resize(
        (target[2] - target[0], target[3] - target[1]), Image.Resampling.BICUBIC
    )
    made, content = border.copy(), white.copy()
    content.paste(scaled, target[:2])
    made.paste(content, mask=Image.fromarray(room))
    return made


def inside_border(picture: "Image") -> np.ndarray:
    """The region around the middle that a red border encloses: [height, width], 255 inside."""
    from scipy.ndimage import binary_fill_holes, label

    pixels = np.asarray(picture).astype(int)
    red = pixels[..., 0] - pixels[..., 1:3].max(axis=-1) > 60
    labelled: Any = label(~red & (pixels[..., 3] > 200))
    parts = labelled[0]
    height, width = red.shape
    middle = parts[height // 3 : -height // 3, width // 3 : -width // 3]
    found = np.bincount(middle[middle > 0], minlength=1)
    if not found.any():
        return np.zeros(red.shape, np.uint8)
    return 255 * np.asarray(binary_fill_holes(parts == found.argmax()), np.uint8)


def straight_six(picture: "Image") -> "Image":
    """The leftmost dark part inside a red border as a bowl with a straight slanted stem."""
    from PIL import Image, ImageDraw
    from scipy.ndimage import find_objects, label

    dark = _darker(np.asarray(picture), 160) & (inside_border(picture) > 0)
    labelled: Any = label(dark)
    parts = labelled[0]
    places: Any = find_objects(parts)
    if not places:
        return picture
    leftmost = min(range(len(places)), key=lambda part: places[part][1].start)
    rows, columns = places[leftmost]
    pixels = np.array(picture)
    pixels[parts == leftmost + 1, :3] = 255
    made = Image.fromarray(pixels)
    draw = ImageDraw.Draw(made)
    height, width = rows.stop - rows.start, columns.stop - columns.start
    stroke = round(0.14 * height)
    bowl = (columns.start, rows.start + 0.4 * height, columns.stop - 1, rows.stop - 1)
    draw.ellipse(bowl, outline="black", width=stroke)
    top = (columns.start + 0.62 * width, rows.start)
    draw.line((*top, columns.start + 0.15 * width, rows.start + 0.6 * height), "black", stroke)
    return made


def redrawn(
    picture: "Image", height: float, width: float, stroke: float | None, turn: float
) -> "Image":
    """The dark symbol inside a red border at a given size, weight and slant, in its place."""
    from PIL import Image
    from scipy.ndimage import distance_transform_edt

    inside = inside_border(picture)
    dark = _darker(np.asarray(picture), 128) & (inside > 0)
    ink = Image.fromarray(255 * dark.astype(np.uint8))
    box, sign = ink.getbbox(), picture.getchannel("A").getbbox()
    if box is None or sign is None:
        return picture
    side = sign[2] - sign[0]
    size = (round(width * side), round(height * side))
    page = Image.new("L", picture.size)
    symbol = ink.crop(box).rotate(turn, Image.Resampling.BICUBIC, expand=True)
    symbol = symbol.crop(symbol.getbbox()).resize(size, Image.Resampling.BICUBIC)
    page.paste(symbol, ((box[0] + box[2] - size[0]) // 2, (box[1] + box[3] - size[1]) // 2))
    there = np.asarray(page) > 127
    depth = np.asarray(distance_transform_edt(there)) - np.asarray(distance_transform_edt(~there))
    # The mean distance of a stripe's points from its edges is a quarter of its width.
    excess = 0 if stroke is None else (4 * depth[there].mean() - stroke * side) / 2
    weight = np.clip(depth - excess + 0.5, 0, 1)
    pixels = np.array(picture)
    pixels[inside > 0, :3] = (255 * (1 - weight[inside > 0]))[:, None].astype(np.uint8)
    return Image.fromarray(pixels)


def striped(picture: "Image") -> "Image":
    """Five stripes from the lower left to the upper right for those drawn; grey symbols darker."""
    from PIL import Image

    pixels = np.array(without_black(picture))
    grey = _darker(pixels, 200)
    pixels[grey, :3] = 0.6 * pixels[grey, :3]
    left, top, right, bottom = picture.getchannel("A").getbbox() or (0, 0, *picture.size)
    rows, columns = np.mgrid[: picture.height, : picture.width]
    v = (2 * rows + 1 - top - bottom) / (bottom - top)  # the sign reaches from -1 to 1
    u = (2 * columns + 1 - left - right) / (right - left)
    across = (u + v) / np.sqrt(2) + 0.2
    stripe = (across > 0) & (across < 0.4) & (np.mod(across, 0.0875) < 0.05)
    pixels[stripe & (np.hypot(v, u) < 0.9), :3] = 30
    return Image.fromarray(pixels)


def slim_roundabout(picture: "Image") -> "Image":
    """Three slim white arrows that go around against the clock, on the sign's ground."""
    from PIL import Image, ImageDraw

    pixels = np.array(picture)
    opaque = pixels[..., 3] > 200
    box = Image.fromarray(opaque).getbbox()
    if box is None:
        return picture
    pixels[opaque, :3] = np.median(pixels[opaque, :3], axis=0)
    made = Image.fromarray(pixels)
    draw = ImageDraw.Draw(made)
    middle, half = np.array([box[0] + box[2], box[1] + box[3]]) / 2, (box[2] - box[0]) / 2
    radius, stroke = 0.63 * half, round(0.13 * half)
    ring = (*(middle - radius - stroke / 2), *(middle + radius + stroke / 2))
    for tip in (35, 155, 275):  # degrees with the clock, from the right
        draw.arc(ring, tip + 3, tip + 75, "white", stroke)
        ahead = np.deg2rad(tip - 4)
        point = middle + radius * np.array([np.cos(ahead), np.sin(ahead)])
        barbs = [np.deg2rad(tip + 90 + side) for side in (-40, 40)]
        ends = [point + 0.27 * half * np.array([np.cos(barb), np.sin(barb)]) for barb in barbs]
        corners = [tuple(place) for place in (ends[0], point, ends[1])]
        draw.line(corners, "white", stroke, joint="curve")
    return made


def right_of_way(picture: "Image") -> "Image":
    """Inside the red border nothing but a broad arrow, notched at its foot, across a slim bar."""
    from PIL import Image, ImageDraw

    inside, sign = inside_border(picture), picture.getchannel("A").getbbox()
    room = Image.fromarray(inside).getbbox()
    if room is None or sign is None:
        return picture
    side = sign[2] - sign[0]
    foot = np.array([(room[0] + room[2]) / 2, room[3] - 0.09 * side])
    # The arrow's right side from its tip to its notch; across and down from the foot, in sides.
    right = np.array([(0, -0.44), (0.11, -0.31), (0.085, -0.29), (0.085, 0), (0, -0.07)])
    arrow = np.concatenate([right, right[::-1] * (-1, 1)])
    bar = np.array([(-0.18, -0.19), (0.18, -0.14)])
    page = Image.new("RGBA", picture.size, "white")
    draw = ImageDraw.Draw(page)
    draw.polygon([tuple(place) for place in foot + side * arrow], "black")
    draw.rectangle([tuple(place) for place in foot + side * bar], "black")
    made = picture.copy()
    made.paste(page, mask=Image.fromarray(inside))
    return made


def _darker(pixels: np.ndarray, than: int) -> np.ndarray:
    """Where all colours of [height, width, 4] are below a value."""
    return pixels[..., :3].max(axis=-1) < than
