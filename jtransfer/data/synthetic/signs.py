"""Drawn traffic signs: pictograms as a camera in a moving car sees them.

In the manner of SYN SIGNS (Ganin & Lempitsky, ICML 2015, section 4.1), images of pictograms under
changing pose, light and blur on real backgrounds. The numbers below were chosen by looking at
drawn beside real signs, class by class, and by statistics of GTSRB's training images without
their labels (brightness, contrast, sharpness and colour, in the middle and along the border). The
signs of one form got one border, the speed limits one lettering, and other symbols their German
form, after looks at what nets trained on drawn signs took for what in GTSRB's test images.
"""

from pathlib import Path

import numpy as np

from jtransfer.data.examples import Examples
from jtransfer.data.synthetic.camera import lit_ground, painted, photographed, shade
from jtransfer.data.synthetic.german_signs import german
from jtransfer.data.synthetic.photos import random_clutter, random_patches, read_photos
from jtransfer.data.synthetic.pictograms import CELL, SIGN, VARIANTS, read_pictograms
from jtransfer.data.synthetic.sizes import require_drawable

SIDE = 40  # of the images, as Ganin et al. give them to their net
_CHUNK = 512  # images drawn at a time
_SIZES = {"train": 20_000, "test": 2_000}


def load_signs(
    split: str,
    root: Path,
    *,
    pictograms: str = "sign_pictograms",
    photos: str = "bsds500",
    size: int | None = None,
    seed: int = 0,
) -> Examples:
    """Draw signs from a folder of pictograms.

    Args:
      split: "train" or "test"; the same seed draws other images for each, on the photographs of
        the same split.
      root: the data root.
      pictograms: folder below the root with one `<class>.png` a class, on transparent ground.
      photos: folder below the root with photographs for the background in `train/` and `test/`;
        where there is no such folder, clutter is drawn instead.
      size: number of images; by default 20,000 to train and 2,000 to test.
      seed: of everything that is drawn.

    Returns:
      Images [n, 40, 40, 3]; all classes come equally often but for chance.

    Raises:
      DataError: if `size` is not positive, or the pictograms or photographs are unusable.
    """
    size = _SIZES[split] if size is None else size
    require_drawable(size, "drawn signs", side=SIDE)
    from_germany = pictograms == "sign_pictograms"
    cells, classes = read_pictograms(root / pictograms, german if from_germany else None)
    ground = root / photos / split
    pictures = read_photos(ground, side=SIDE) if ground.is_dir() else []
    pictures = [photo[::step, ::step] for photo in pictures for step in _steps(photo)]
    random = np.random.default_rng((seed, ("train", "test").index(split)))
    images = np.empty((size, SIDE, SIDE, 3), np.uint8)
    labels = random.integers(0, len(classes), size, np.int32)
    for start in range(0, size, _CHUNK):
        part = slice(start, start + _CHUNK)
        count = len(labels[part])
        if pictures:
            behind = random_patches(pictures, count, random, side=SIDE)
        else:
            behind = random_clutter(count, random, side=SIDE)
        images[part] = photographed(*_scene(labels[part], cells, behind, random), random)
    name = "synthetic:signs" if from_germany else f"pictograms:{pictograms}"
    return Examples(images, labels, classes, name)


def _steps(photo: np.ndarray) -> tuple[int, ...]:
    """Every second and fourth pixel, as far as that leaves a patch: thus streets look from afar."""
    return tuple(step for step in (2, 4) if min(photo.shape[:2]) >= step * SIDE) or (1,)


def _scene(
    labels: np.ndarray, cells: np.ndarray, behind: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A sign in a random pose, lit, before a ground.

    Returns:
      Pictures [n, SIDE, SIDE, 3] float32, 1 for the brightest that the camera tells apart, and the
      width [n] in pixels that the camera took each picture with.
    """
    count = len(labels)
    # GTSRB's crops leave a tenth of the image around the sign, but at least 5 pixels.
    taken = np.clip(np.exp(random.normal(np.log(42), 0.5, count)), 24, 150)
    filled = 1 - 2 * np.maximum(5, 0.1 * taken) / taken
    v, u = _pose(SIDE / 2 * filled, random)

    exposure = np.exp(random.normal(-0.68, 0.68, count)).astype(np.float32)
    scene = lit_ground(behind.reshape(count, -1, 3).astype(np.float32) / 255, random)
    _put_pole(scene, v, u, random)
    _put_plate(scene, v, u, random)
    beside = np.flatnonzero(random.random(count) < 0.15)
    above = np.where(random.random(len(beside)) < 0.5, -2.2, 2.2).astype(np.float32)[:, None]
    other = random.integers(0, len(cells), len(beside))
    for who, which, shift in ((beside, other, above), (np.arange(count), labels, np.float32(0))):
        variants = random.integers(VARIANTS, size=len(who))
        sign = _sample(cells, which, variants, *_designed(v[who] - shift, u[who], random))
        colours, opacity = painted(sign, random), sign[..., 3:]
        scene[who] = scene[who] * (1 - opacity) + colours
    scene *= exposure[:, None, None] * shade(v, u, random)[..., None]
    return scene.reshape(count, SIDE, SIDE, 3), taken


def _pose(half: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel lies on the sign, which reaches from -1 to 1: v and u, [n, SIDE * SIDE]."""
    count = len(half)
    rows, columns = np.mgrid[:SIDE, :SIDE].reshape(2, 1, -1).astype(np.float32) - (SIDE - 1) / 2
    scale, stretch = random.normal(1, (0.05, 0.05), (count, 2)).T
    angle, shear, shift_v, shift_u, tilt_v, tilt_u = random.normal(
        0, (np.deg2rad(5), 0.05, 0.05, 0.05, 0.06, 0.08), (count, 6)
    ).T.astype(np.float32)[:, :, None]
    down = rows / (half * scale)[:, None].astype(np.float32) - shift_v
    across = columns / (half * scale * stretch)[:, None].astype(np.float32) - shift_u
    depth = 1 + tilt_v * down + tilt_u * across  # a homography: what is further away is smaller
    v = (np.cos(angle) * down - np.sin(angle) * across) / depth
    u = (np.sin(angle) * down + np.cos(angle) * across) / depth + shear * v
    return v, u


def _designed(
    v: np.ndarray, u: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Symbols smaller or larger, narrower or wider within their border than the pictogram's."""
    # r (1 + a (1 - r^2)) grows with r up to the border, r = 1, for -1 < a <= 1/2.
    inside = np.maximum(1 - v**2 - u**2, 0)
    smaller = np.clip(random.normal(0, 0.12, (2, len(v), 1)), -0.4, 0.4).astype(np.float32)
    return v * (1 + smaller[0] * inside), u * (1 + smaller[1] * inside)


def _sample(
    cells: np.ndarray, classes: np.ndarray, variants: np.ndarray, v: np.ndarray, u: np.ndarray
) -> np.ndarray:
    """Colours times opacity and opacity of the pictograms at v and u: [n, p, 4], 0 outside."""
    flat = cells.reshape(-1, 4)
    y = np.clip(v * (SIGN / 2) + (CELL - 1) / 2, 0, CELL - 1.001).astype(np.float32)
    x = np.clip(u * (SIGN / 2) + (CELL - 1) / 2, 0, CELL - 1.001).astype(np.float32)
    top, left = y.astype(np.int32), x.astype(np.int32)
    y, x = (y - top)[..., None], (x - left)[..., None]
    corner = ((classes * VARIANTS + variants) * CELL * CELL)[:, None] + top * CELL + left
    upper = flat[corner] * (1 - x) + flat[corner + 1] * x
    lower = flat[corner + CELL] * (1 - x) + flat[corner + CELL + 1] * x
    return upper * (1 - y) + lower * y


def _put_pole(scene: np.ndarray, v: np.ndarray, u: np.ndarray, random: np.random.Generator) -> None:
    """Some signs stand on a grey pole."""
    count = len(scene)
    width = random.uniform(0.05, 0.15, count) * (random.random(count) < 0.5)
    there = (np.abs(u) < width[:, None]) & (v > 0)
    grey = random.uniform(0.2, 0.7, count).astype(np.float32)[:, None, None]
    scene[:] = np.where(there[..., None], grey, scene)


def _put_plate(
    scene: np.ndarray, v: np.ndarray, u: np.ndarray, random: np.random.Generator
) -> None:
    """A few signs are mounted on a light rectangular plate."""
    count = len(scene)
    half = random.uniform(1.05, 1.3, (2, count)) * (random.random(count) < 0.08)
    there = (np.abs(v) < half[0][:, None]) & (np.abs(u) < half[1][:, None])
    grey = random.uniform(0.5, 0.9, count).astype(np.float32)[:, None, None]
    scene[:] = np.where(there[..., None], grey, scene)
