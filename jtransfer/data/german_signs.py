"""German traffic signs of pictograms from several countries and hands.

Where borders and lettering differ from class to class, a net tells the classes apart by them, which
no road sign allows. So all signs of one form get one border and all speed limits one lettering.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

# Classes of GTSRB whose border is that of another: {border: classes}.
_BORDERS = {
    "15": ("0", "1", "2", "3", "4", "5", "7", "8", "9", "10", "16"),
    "18": ("11", *(str(number) for number in range(19, 32))),
}
# Height and width of a speed limit's digits and of their strokes, of the sign's width.
_TWO_DIGITS, _THREE_DIGITS = (0.41, 0.47, 0.055), (0.37, 0.57, 0.05)
_LIMITS = dict.fromkeys("012345", _TWO_DIGITS) | dict.fromkeys("78", _THREE_DIGITS)
# The worker shovels to the right and the taller child walks on the right (signs 123 and 136 of the
# StVO).
_MIRRORED = ("25", "28")
_LIGHTS = "26"  # stand in no box (sign 131)


def german(pictures: Mapping[str, "Image"]) -> dict[str, "Image"]:
    """Change pictograms {class: RGBA picture} of one size to what stands on German roads.

    Classes are those of GTSRB; what is missing is left out, and what has no border as it is.
    """
    from PIL import ImageOps

    made = dict(pictures)
    for name in made.keys() & set(_MIRRORED):
        made[name] = ImageOps.mirror(made[name])
    if _LIGHTS in made:
        made[_LIGHTS] = _without_black(made[_LIGHTS])
    for border, names in _BORDERS.items():
        for name in made.keys() & set(names):
            if border in pictures:
                made[name] = _bordered(made[name], pictures[border])
    for name in made.keys() & _LIMITS.keys():
        made[name] = _lettered(made[name], *_LIMITS[name])
    return made


def _without_black(picture: "Image") -> "Image":
    """Black made white; opacity stays."""
    from PIL import Image

    pixels = np.array(picture)
    pixels[pixels[..., :3].max(axis=-1) < 90, :3] = 255
    return Image.fromarray(pixels)


def _bordered(picture: "Image", border: "Image") -> "Image":
    """What is inside one sign's red border, inside that of another."""
    from PIL import Image

    inside, room = _inside(picture), _inside(border)
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


def _inside(picture: "Image") -> np.ndarray:
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


def _lettered(picture: "Image", height: float, width: float, stroke: float) -> "Image":
    """The dark digits inside a red border at a given size and weight, relative to the sign's."""
    from PIL import Image
    from scipy.ndimage import distance_transform_edt

    inside = _inside(picture)
    dark = (np.asarray(picture)[..., :3].max(axis=-1) < 128) & (inside > 0)
    ink = Image.fromarray(255 * dark.astype(np.uint8))
    box, sign = ink.getbbox(), picture.getchannel("A").getbbox()
    if box is None or sign is None:
        return picture
    side = sign[2] - sign[0]
    size = (round(width * side), round(height * side))
    page = Image.new("L", picture.size)
    digits = ink.crop(box).resize(size, Image.Resampling.BICUBIC)
    page.paste(digits, ((page.width - size[0]) // 2, (page.height - size[1]) // 2))
    there = np.asarray(page) > 127
    depth = np.asarray(distance_transform_edt(there)) - np.asarray(distance_transform_edt(~there))
    # The mean distance of a stripe's points from its edges is a quarter of its width.
    excess = (4 * depth[there].mean() - stroke * side) / 2
    weight = np.clip(depth - excess + 0.5, 0, 1)
    pixels = np.array(picture)
    pixels[inside > 0, :3] = (255 * (1 - weight[inside > 0]))[:, None].astype(np.uint8)
    return Image.fromarray(pixels)
