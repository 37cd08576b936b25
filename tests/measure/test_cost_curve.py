import pytest

from jtransfer.measure.cost_curve import cost_figure, power_law
from tests.measure.picture import pixels_of


def test_an_exact_power_law():
    factor, exponent = power_law([1, 2, 4, 8], [3, 12, 48, 192])
    assert factor == pytest.approx(3)
    assert exponent == pytest.approx(2)


@pytest.mark.parametrize(("sizes", "costs"), [([1, 1], [1, 2]), ([1, 2], [0, 1]), ([1, 2], [1])])
def test_what_has_no_power_law_is_refused(sizes, costs):
    with pytest.raises(ValueError, match="expected a positive cost of each"):
        power_law(sizes, costs)


def test_the_figure_has_a_panel_for_every_size(tmp_path):
    file = tmp_path / "cost.png"
    panels = {"batch": ([1, 2, 4], [1.0, 2.1, 4.2]), "classes": ([5, 10], [3.0, 3.1])}
    cost_figure(panels, file, ylabel="milliseconds", title="Time against size")
    assert pixels_of(file).shape == (455, 1690, 3)
    with pytest.raises(ValueError, match="no panel"):
        cost_figure({}, file, ylabel="", title="")
