"""A drawn world of attributes: one to three small or large things of a texture, colour and shape.

A class is a combination of attributes, such as "two large striped red discs". Of the 288 a third
are never in the training images: they are recognised by their attributes, or not at all. All of it
is NumPy on arrays of images.
"""

from itertools import product

import numpy as np

from jtransfer.data.examples import Examples
from jtransfer.data.sources.attributes import ClassTable
from jtransfer.data.synthetic.sizes import require_drawable

SIDE = 32
# Of each group of attributes an image has exactly one.
GROUPS: dict[str, tuple[str, ...]] = {
    "count": ("one", "two", "three"),
    "size": ("small", "large"),
    "texture": ("plain", "striped", "dotted"),
    "colour": ("red", "yellow", "green", "blue"),
    "shape": ("disc", "square", "triangle", "cross"),
}
_UNSEEN = 96  # combinations that are not in the training images
_SIZES = {"train": 12_000, "test": 5_760}
_CHUNK = 1024  # images drawn at a time
_RADII = (4.2, 6.4)  # of small and of large things, in pixels
_HUES = (0.0, 0.15, 0.37, 0.62)  # as in GROUPS["colour"], of a circle of 1
_PERIOD = 3.8  # of stripes and dots, in pixels
_DARK = 0.4  # brightness of stripes and dots, as a share of the thing's own


def load_attribute_world(split: str, *, size: int | None = None, seed: int = 0) -> Examples:
    """Draw the world.

    Args:
      split: "train", with images of the seen classes only, or "test", with images of all.
      size: number of images, spread evenly over the classes; by default 12,000 to train and 5,760
        to test.
      seed: of everything that is drawn but the choice of the seen classes, which is always the
        same.

    Returns:
      Images [n, 32, 32, 3] in random order; all 288 classes are named, seen and unseen.

    Raises:
      DataError: if `size` is not positive.
    """
    size = _SIZES[split] if size is None else size
    require_drawable(size, "drawn images", side=SIDE)
    random = np.random.default_rng((seed, ("train", "test").index(split)))
    rows = combinations()
    classes = seen_and_unseen()[0] if split == "train" else np.arange(len(rows))
    rounds = -(-size // len(classes))
    labels = np.concatenate([random.permutation(classes) for _ in range(rounds)])[:size]
    images = np.empty((size, SIDE, SIDE, 3), np.uint8)
    for start in range(0, size, _CHUNK):
        part = slice(start, start + _CHUNK)
        images[part] = _draw(rows[labels[part]], random)
    return Examples(images, labels.astype(np.int32), class_names(), "synthetic:attributes")


def combinations() -> np.ndarray:
    """Each class's attributes, as places within their groups: [classes, groups] int32."""
    return np.array(list(product(*(range(len(each)) for each in GROUPS.values()))), np.int32)


def class_names() -> tuple[str, ...]:
    """The combinations in words, in the order of the labels: "two large striped red discs"."""
    named = (
        [group[at] for group, at in zip(GROUPS.values(), row, strict=True)]
        for row in combinations()
    )
    return tuple(" ".join(words) + _plural(words) for words in named)


def seen_and_unseen() -> tuple[np.ndarray, np.ndarray]:
    """Labels of the classes in the training images, and of the others, both ascending."""
    order = np.random.default_rng(0).permutation(len(combinations()))
    return np.sort(order[_UNSEEN:]), np.sort(order[:_UNSEEN])


def attribute_table() -> ClassTable:
    """The 16 attributes of each class, 1 or 0, group after group."""
    groups = zip(GROUPS.values(), combinations().T, strict=True)
    parts = [np.eye(len(names))[places] for names, places in groups]
    attributes = tuple(name for group in GROUPS.values() for name in group)
    return ClassTable(np.concatenate(parts, 1), class_names(), attributes, "synthetic:attributes")


def _plural(words: list[str]) -> str:
    return "" if words[0] == "one" else "es" if words[-1].endswith("s") else "s"


def _draw(rows: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Images [n, SIDE, SIDE, 3] uint8 of attributes [n, groups]."""
    count, size, texture, colour, shape = rows.T
    amount = len(rows)
    radius = np.array(_RADII)[size] + random.uniform(-0.4, 0.4, amount)
    picture = _ground(amount, random)
    paint = _colours(colour, random)
    # Things stand around a centre, far enough from each other not to touch.
    apart = np.stack([random.uniform(0, 1, amount), *random.uniform(7.6, 9, (2, amount))])
    apart[2] = np.maximum(apart[2], 8.6)
    distance = apart[count, np.arange(amount)]
    free = np.maximum(SIDE / 2 - distance - 1.25 * radius, 0)
    centre = (SIDE - 1) / 2 + random.uniform(-1, 1, (2, amount)) * free
    turn = random.uniform(0, 2 * np.pi, amount)
    for number in range(int(count.max()) + 1):
        there = np.flatnonzero(count >= number)
        around = turn[there] + 2 * np.pi * number / (count[there] + 1)
        place = centre[:, there] + distance[there] * np.stack([np.sin(around), np.cos(around)])
        u, v = _own_coordinates(place, random)
        inside = np.clip(0.5 - _outside(u, v, radius[there], shape[there]), 0, 1)
        lit = _texture(u, v, texture[there], random)[..., None] * paint[there, None, None]
        picture[there] += inside[..., None] * (lit - picture[there])
    noise = random.normal(0, 0.03, (*picture.shape[:3], 1)).astype(np.float32)
    return np.rint(255 * np.clip(picture + noise, 0, 1)).astype(np.uint8)


def _ground(amount: int, random: np.random.Generator) -> np.ndarray:
    """Light, nearly grey backgrounds that fade: [n, SIDE, SIDE, 3]."""
    light = random.uniform(0.55, 0.95, (amount, 1)) + random.normal(0, 0.03, (amount, 3))
    slope = np.linspace(-0.5, 0.5, SIDE)
    down, across = random.normal(0, 0.15, (2, amount, 1, 1))
    fade = down * slope[None, :, None] + across * slope[None, None]
    return (light[:, None, None] + fade[..., None]).astype(np.float32)


def _colours(colour: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Shades of the named colours: [n, 3]."""
    from matplotlib.colors import hsv_to_rgb

    hue = (np.array(_HUES)[colour] + random.uniform(-0.025, 0.025, len(colour))) % 1
    rest = random.uniform((0.75, 0.7), (1, 1), (len(colour), 2))
    return hsv_to_rgb(np.column_stack([hue, rest])).astype(np.float32)


def _own_coordinates(
    place: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Each pixel as seen from a thing that is turned a little: two of [n, SIDE, SIDE]."""
    angle = random.uniform(-0.3, 0.3, (place.shape[1], 1, 1)).astype(np.float32)
    pixels = np.arange(SIDE, dtype=np.float32)
    down, across = pixels[None] - place[..., None].astype(np.float32)
    down, across = down[:, :, None], across[:, None]
    u = np.cos(angle) * across + np.sin(angle) * down
    return u, np.cos(angle) * down - np.sin(angle) * across


def _outside(u: np.ndarray, v: np.ndarray, radius: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """How many pixels each pixel lies outside of the thing, negative inside: [n, SIDE, SIDE]."""
    r, kind = radius[:, None, None].astype(np.float32), shape[:, None, None]
    across, down = np.abs(u), np.abs(v)
    disc = np.hypot(u, v) - r
    square = np.maximum(across, down) - 0.85 * r
    triangle = np.maximum(v, across * np.sqrt(0.75) - v / 2) - 0.6 * r
    bars = [
        np.maximum(one - r, other - 0.34 * r) for one, other in ((across, down), (down, across))
    ]
    return np.choose(kind, [disc, square, triangle, np.minimum(*bars)])


def _texture(
    u: np.ndarray, v: np.ndarray, texture: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Brightness of each pixel as a share of the thing's own, _DARK to 1: [n, SIDE, SIDE]."""
    phase = random.uniform(0, 2 * np.pi, (2, len(u), 1, 1)).astype(np.float32)
    wave_u, wave_v = (
        np.cos(2 * np.pi / _PERIOD * at + shift) for at, shift in zip((u, v), phase, strict=True)
    )
    striped = np.clip(0.5 + 1.5 * wave_u, 0, 1)
    dotted = np.clip(0.5 + 1.5 * (wave_u + wave_v - 0.7), 0, 1)
    dark = np.choose(texture[:, None, None], [np.zeros_like(u), striped, dotted])
    return 1 - (1 - _DARK) * dark
