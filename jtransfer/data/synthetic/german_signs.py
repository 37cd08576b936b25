"""German traffic signs of pictograms from several countries and hands.

Where borders and lettering differ from class to class, a net tells the classes apart by them, which
no road sign allows. So all signs of one form get one border and all speed limits one lettering, and
symbols that look otherwise in other countries are made to look as in Germany.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from jtransfer.data.synthetic.pictogram_edits import (
    bordered,
    largest_dark_part,
    redrawn,
    right_of_way,
    slim_roundabout,
    straight_six,
    striped,
    without_black,
)

if TYPE_CHECKING:
    from PIL.Image import Image

# Classes of GTSRB whose border is that of another: {border: classes}.
_BORDERS = {
    "15": ("0", "1", "2", "3", "4", "5", "7", "8", "9", "10", "16"),
    "18": ("11", *(str(number) for number in range(19, 32))),
}
# Height, width and strokes of dark symbols within a red border, of the sign's width, and how many
# degrees they are turned against the clock: two digits, three, a double curve, a walker, a
# snowflake, a deer.
_TWO_DIGITS, _THREE_DIGITS = (0.46, 0.56, 0.057, 0), (0.47, 0.58, 0.05, 0)
_SYMBOLS = {
    **dict.fromkeys("012345", _TWO_DIGITS),
    **dict.fromkeys("78", _THREE_DIGITS),
    "21": (0.46, 0.28, 0.075, 0),
    "27": (0.48, 0.36, None, 0),
    "30": (0.33, 0.3, 0.036, 0),
    "31": (0.46, 0.42, None, 10),
}
# The worker shovels to the right and the taller child walks on the right (signs 123 and 136 of the
# StVO).
_MIRRORED = ("25", "28")
_LIGHTS = "26"  # stand in no box (sign 131)
_SIXTY = "3"  # its 6 has a straight stem (DIN 1451)
_RIGHT_OF_WAY = "11"  # a broad arrow across a slim bar (sign 301)
_WALKER = "27"  # is on no crossing (sign 133)
_ENDS = ("6", "32", "41", "42")  # five stripes rise by 45 degrees (signs 278 to 282)
_ROUNDABOUT = "40"  # three slim arrows (sign 215)


def german(pictures: Mapping[str, "Image"]) -> dict[str, "Image"]:
    """Change pictograms {class: RGBA picture} of one size to what stands on German roads.

    Classes are those of GTSRB; what is missing is left out, and what has no border as it is.
    """
    from PIL import ImageOps

    made = dict(pictures)
    for name in made.keys() & set(_MIRRORED):
        made[name] = ImageOps.mirror(made[name])
    if _LIGHTS in made:
        made[_LIGHTS] = without_black(made[_LIGHTS])
    if _WALKER in made:
        made[_WALKER] = largest_dark_part(made[_WALKER])
    for border, names in _BORDERS.items():
        for name in made.keys() & set(names):
            if border in pictures:
                made[name] = bordered(made[name], pictures[border])
    if _SIXTY in made:
        made[_SIXTY] = straight_six(made[_SIXTY])
    for name in made.keys() & _SYMBOLS.keys():
        made[name] = redrawn(made[name], *_SYMBOLS[name])
    if _RIGHT_OF_WAY in made:
        made[_RIGHT_OF_WAY] = right_of_way(made[_RIGHT_OF_WAY])
    for name in made.keys() & set(_ENDS):
        made[name] = striped(made[name])
    if _ROUNDABOUT in made:
        made[_ROUNDABOUT] = slim_roundabout(made[_ROUNDABOUT])
    return made
