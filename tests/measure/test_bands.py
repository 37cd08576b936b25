import numpy as np
import pytest

from jtransfer.measure.bands import bands_figure
from jtransfer.measure.canvas import PALETTE
from tests.measure.picture import drawn_in, pixels_of

PLACES = ("1", "5", "all")
OPTIONS = {"places": PLACES, "xlabel": "labelled images a class", "title": "Fine-tuning"}
LINES = {"full": {"1": [0.2, 0.4], "5": [0.5, 0.7], "all": [0.9, 0.9]}, "frozen": {"5": [0.5]}}


def test_every_line_has_its_colour(tmp_path):
    file = tmp_path / "bands.png"
    bands_figure(LINES, file, **OPTIONS)
    assert pixels_of(file).shape == (650, 1170, 3)
    columns = np.flatnonzero(drawn_in(file, PALETTE[0]).any(axis=0))
    assert np.ptp(columns) > 600
    assert drawn_in(file, PALETTE[1]).any()
    assert not drawn_in(file, PALETTE[2]).any()


def test_the_band_is_as_wide_as_the_seeds_differ(tmp_path):
    """In the left part, where the band is wide, it colours more than a line would."""
    wide, narrow = tmp_path / "wide.png", tmp_path / "narrow.png"
    bands_figure({"full": {"1": [0.1, 0.9], "5": [0.1, 0.9]}}, wide, **OPTIONS)
    bands_figure({"full": {"1": [0.5, 0.5], "5": [0.5, 0.5]}}, narrow, **OPTIONS)
    shaded, bare = ((pixels_of(file) < 250).any(axis=-1).sum() for file in (wide, narrow))
    assert shaded > bare + 50_000


@pytest.mark.parametrize("measured", [{}, {"full": {}}, {"full": {"7": [0.5]}}])
def test_nothing_to_draw(tmp_path, measured):
    with pytest.raises(ValueError, match=r"expected at least one value, each at a named place"):
        bands_figure(measured, tmp_path / "bands.png", **OPTIONS)


def test_only_png(tmp_path):
    with pytest.raises(ValueError, match=r"end the name in \.png"):
        bands_figure(LINES, tmp_path / "bands.pdf", **OPTIONS)
