import numpy as np
import pytest

from jtransfer.measure.canvas import PALETTE
from jtransfer.measure.rate_curve import rate_figure
from tests.measure.picture import drawn_in, pixels_of

RATES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
LOSSES = (2.0, 2.0, 1.0, 0.5, 3.0)


def columns_of(file, colour):
    """Pixel columns in which something is drawn in just that colour."""
    return np.flatnonzero(drawn_in(file, colour).sum(axis=0) > 100)


def test_the_suggestion_is_marked_on_a_logarithmic_axis(tmp_path):
    places = []
    for rate in RATES[1:4]:
        file = tmp_path / f"{rate}.png"
        rate_figure(RATES, LOSSES, file, suggestion=rate)
        assert pixels_of(file).shape == (650, 1170, 3)
        places.append(columns_of(file, PALETTE[1]).mean())
    steps = np.diff(places)
    assert steps[0] > 100
    np.testing.assert_allclose(steps[0], steps[1], atol=3)


def test_a_running_average_is_drawn_over_faint_losses(tmp_path):
    alone, both = tmp_path / "alone.png", tmp_path / "both.png"
    rate_figure(RATES, LOSSES, alone)
    rate_figure(RATES, LOSSES, both, smoothed=(2.0, 2.0, 1.6, 1.2, 1.9))
    assert drawn_in(alone, PALETTE[0]).any()
    assert drawn_in(both, PALETTE[0]).any()
    assert not len(columns_of(both, PALETTE[1]))
    assert alone.read_bytes() != both.read_bytes()


@pytest.mark.parametrize(
    ("rates", "losses", "message"),
    [
        ((), (), "0 losses of 0 rates"),
        (RATES, LOSSES[1:], "4 losses of 5 rates"),
        ((0.1, 1.0), (1.0, float("nan")), "expected a finite one of each rate"),
        ((0.0, 1.0), (1.0, 1.0), "not positive and finite"),
    ],
)
def test_what_cannot_be_drawn(tmp_path, rates, losses, message):
    with pytest.raises(ValueError, match=message):
        rate_figure(rates, losses, tmp_path / "rates.png")
    with pytest.raises(ValueError, match=r"end the name in \.png"):
        rate_figure(RATES, LOSSES, tmp_path / "rates.pdf")
