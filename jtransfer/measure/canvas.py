"""What all figures share: matplotlib without global state, colours, and writing a PNG safely."""

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jtransfer.files.writing import writing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 130
INK = "#24292f"
MUTED = "#6e7781"
SOURCE, TARGET = "#2f6db5", "#e07b2e"
# A colour a class or run; the order keeps neighbours apart in hue and in lightness.
PALETTE = (
    "#2f6db5",
    "#e07b2e",
    "#3a9a58",
    "#c8453f",
    "#8460b8",
    "#8a5a44",
    "#d774b2",
    "#6e7781",
    "#b5a927",
    "#2fa6b5",
)


def new_figure(width: float, height: float, *, dpi: int, **settings: Any) -> "Figure":
    """A figure of `width` x `height` inches that pyplot knows nothing of.

    Args:
      width: in inches.
      height: in inches.
      dpi: pixels an inch.
      **settings: passed to `matplotlib.figure.Figure`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=dpi, facecolor="white", **settings)
    FigureCanvasAgg(figure)
    return figure


def png_path(path: str | Path) -> Path:
    """`path`, checked before any work is done.

    Raises:
      ValueError: if it does not end in `.png`.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ValueError(f"figures are written as PNG, given {str(path)!r}; end the name in .png")
    return path


def save(figure: "Figure", path: Path) -> None:
    """Write `figure` as a PNG whole or not at all, making the folder if there is none.

    Of several processes that train together the first alone writes.
    """
    from jax import process_index

    if process_index() != 0:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with writing(path) as file:
        # No version in the file: the same data give the same bytes.
        figure.savefig(file, format="png", metadata={"Software": None})


def quiet(axes: "Axes") -> None:
    """Take the weight from everything that is not data."""
    axes.spines[["top"]].set_visible(False)
    for spine in axes.spines.values():
        spine.set_color("#d0d7de")
    axes.tick_params(colors=MUTED, labelsize=9, length=3)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)


def shorten(text: str, most: int) -> str:
    """`text` cut to at most `most` characters, the cut shown by an ellipsis."""
    text = _drawable(text)
    return text if len(text) <= most else text[: most - 1] + "…"


def fit_title(text: str, width: float, *, points: float) -> str:
    """`text` broken into lines that fit `width` inches in bold letters of `points`."""
    # DejaVu Sans in bold takes 0.7 em a letter on average.
    letters = int(width / (0.7 * points / 72))
    return textwrap.fill(_drawable(text), max(letters, 8))


def _drawable(text: str) -> str:
    """`text` with a question mark for what is none, such as bytes in the name of a folder."""
    return text.encode(errors="replace").decode()


def heading(axes: "Axes", title: str, width: float, *, pad: float = 12) -> None:
    """Put a bold title over `axes`, on the left, broken to fit `width` inches."""
    axes.set_title(
        fit_title(title, width, points=13),
        loc="left",
        fontsize=13,
        fontweight="bold",
        color=INK,
        pad=pad,
    )


def legend_key(colour: Any, style: Any, marker: str = "") -> Any:
    """A handle for a legend: a line, a marker, or both."""
    from matplotlib.lines import Line2D

    return Line2D([], [], color=colour, linestyle=style, marker=marker, lw=1.8, markersize=5.5)
