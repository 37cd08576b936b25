"""The images as points of the plane, each with its picture for a pointer that comes near."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from jtransfer.measure.page.content import ImageMap, Sample
from jtransfer.measure.page.drawing import element, figure, percent
from jtransfer.measure.page.thumbnails import data_uri

COLOURS, SHAPES = 10, 3
# Of about one area, around 0: a disc, a square, a triangle.
_PATHS = (
    "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z",
    "M-4.4-4.4h8.8v8.8h-8.8z",
    "M0-6.2 5.6 3.8H-5.6z",
)
_EDGE = 0.03


def look(number: int | None) -> tuple[str, str]:
    """Colour and shape of a class, alike for no two of 30: names for the style sheet and `use`.

    >>> look(0), look(10), look(None)
    (('k0', '#s0'), ('k0', '#s1'), ('kx', '#s0'))
    """
    if number is None:
        return "kx", "#s0"
    return f"k{number % COLOURS}", f"#s{number % SHAPES}"


def map_chart(image_map: ImageMap, classes: Sequence[str], *, shapes: bool = True) -> Markup:
    """Draw every image in its label's colour and shape, those taken for another class with a ring.

    Places are per cents of the width and height: the points keep their size on any screen.

    Args:
      image_map: to be drawn.
      classes: names that number the labels.
      shapes: whether the shapes are defined in it, as once on a page.
    """
    points = np.asarray(image_map.points, np.float64)
    low, span = points.min(axis=0), np.maximum(np.ptp(points, axis=0), 1e-12)
    places = 100 * (_EDGE + (1 - 2 * _EDGE) * (points - low) / span)
    numbers = {name: number for number, name in enumerate(classes)}
    paths = [element("path", id=f"s{n}", d=path) for n, path in enumerate(_PATHS)]
    marks = [element("defs", *paths)] if shapes else []
    for (x, y), sample in zip(places.tolist(), image_map.samples, strict=True):
        colour, shape = look(numbers.get(sample.label))
        wrong = sample.guess and sample.label and sample.guess != sample.label
        marks.append(
            element(
                "use",
                element("title", description(sample)),
                href=shape,
                x=f"{x:.2f}%",
                y=f"{100 - y:.2f}%",
                class_=f"{colour} wrong" if wrong else colour,
                data_class=numbers.get(sample.label),
                data_picture=data_uri(sample.thumbnail) if sample.thumbnail else None,
            )
        )
    label = f"Map of {len(points):,} images" + (f" by {image_map.method}" * bool(image_map.method))
    return figure(*marks, label=label, class_="points")


def description(sample: Sample) -> str:
    r"""What is known of a sample, a line each.

    >>> description(Sample("a.jpg", label="dog", guess="cat", probability=0.9))
    'labelled dog, taken for cat (90.0%)\na.jpg'
    """
    said = [f"labelled {sample.label}"] if sample.label else []
    if sample.guess:
        sure = "" if sample.probability is None else f" ({percent(sample.probability)})"
        same = sample.guess == sample.label
        said.append(f"recognised{sure}" if same else f"taken for {sample.guess}{sure}")
    words = [", ".join(said), sample.file, sample.note]
    return "\n".join(word for word in words if word)
