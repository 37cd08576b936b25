"""Paint, light and camera of drawn scenes: what makes a pictogram a photographed sign."""

import numpy as np

from jtransfer.data.augment.blur import blurred

_REACH = 4  # of the blur in pixels
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def lit_ground(photos: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """What stands behind a sign, as bright against it as it happens to be, a few the open sky."""
    count = len(photos)
    vivid = random.uniform(0.1, 0.8, (count, 1, 1)).astype(np.float32)
    steep = random.uniform(1.0, 3.0, (count, 1, 1)).astype(np.float32)
    bright = np.exp(random.normal(0.35, 0.7, (count, 1, 1))).astype(np.float32)
    grey = (photos @ _LUMA)[..., None]
    scene = bright * np.maximum(grey + vivid * (photos - grey), 0) ** steep
    sky = random.random((count, 1, 1)) < 0.1
    return _light(np.where(sky, 0.15 * scene + 0.8 * bright, scene), random)


def painted(sign: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Colours times opacity as paint has them: black not black, white not white, faded."""
    count = len(sign)
    opacity, colours = sign[..., 3:], sign[..., :3]
    vivid, deep, black, white, orange = random.uniform(
        (0.6, 0.9, 0.03, 0.8, 0.25), (1.25, 2.2, 0.15, 1.0, 0.55), (count, 5)
    ).T.astype(np.float32)[:, :, None, None]
    colours = colours**deep
    # Traffic yellow is nearer to orange than a screen's: RAL 1023 has 247, 181, 0.
    yellow = np.maximum(colours[..., :2].min(axis=-1) - colours[..., 2], 0)
    colours[..., 1] -= orange[..., 0] * yellow
    grey = (colours @ _LUMA)[..., None]
    colours = grey + vivid * (colours - grey)
    return _light(np.maximum(black * opacity + (white - black) * colours, 0), random)


def _light(colours: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Colours [n, p, 3] under light between the blue of the sky and the yellow of the sun."""
    tint = random.normal((0.05, 0), (0.1, 0.03), (len(colours), 1, 2))
    red_green_blue = np.stack([-tint[..., 0], tint[..., 1], tint[..., 0]], axis=-1)
    return colours * np.exp(red_green_blue).astype(np.float32)


def shade(v: np.ndarray, u: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Light that falls off to one side, and for some a shadow over a part: [n, p] factors."""
    count = len(v)
    angle = random.uniform(0, 2 * np.pi, (2, count, 1)).astype(np.float32)
    slope = random.normal(0, 0.12, (count, 1)).astype(np.float32)
    light = np.exp(slope * (np.cos(angle[0]) * v + np.sin(angle[0]) * u))
    depth = random.uniform(0.3, 0.7, (count, 1)) * (random.random((count, 1)) < 0.25)
    edge = random.uniform(-0.8, 0.8, (count, 1)).astype(np.float32)
    inside = np.clip(3 * (np.cos(angle[1]) * v + np.sin(angle[1]) * u - edge), 0, 1)
    return light * (1 - depth.astype(np.float32) * inside)


def photographed(scene: np.ndarray, taken: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Veil, noise and blur of a camera that took pictures `taken` pixels wide, rounded to uint8."""
    count = len(scene)
    veil = random.uniform(0.01, 0.08, (count, 1, 1, 1)) * np.exp(
        random.normal(0, 0.15, (count, 1, 1, 3))
    )
    grain = random.uniform(0, 0.03, (count, 1, 1, 1)).astype(np.float32)
    scene = scene + veil.astype(np.float32)
    scene += grain * random.standard_normal(scene.shape, np.float32)
    scene = np.clip(scene, 0, 1)
    # A picture of few pixels, scaled up, is blurred by half of one of its pixels at least; GTSRB's
    # images are looked at through 32 pixels.
    pixel = scene.shape[1] / np.minimum(taken, 32)
    down, across = np.hypot(random.gamma(2, 0.2, (2, count)), 0.5 * pixel)
    return np.rint(255 * blurred(scene, down, across, reach=_REACH)).astype(np.uint8)
