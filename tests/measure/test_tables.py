import statistics

import pytest
from hypothesis import given, strategies as st

from jtransfer.measure.tables import console_table, markdown_table, mean_std

HEADER = ("method", "published", "measured")
ROWS = [("source only", 0.5225, "0.530 ± 0.010"), ("DANN", 0.7666, "—")]


def test_markdown():
    assert markdown_table(HEADER, ROWS) == (
        "| method | published | measured |\n"
        "| :-- | --: | --: |\n"
        "| source only | 0.5225 | 0.530 ± 0.010 |\n"
        "| DANN | 0.7666 | — |"
    )


def test_console():
    assert console_table(HEADER, ROWS) == (
        "method       published       measured\n"
        "-----------  ---------  -------------\n"
        "source only     0.5225  0.530 ± 0.010\n"
        "DANN            0.7666              —"
    )


def test_a_bar_or_a_line_break_does_not_end_the_cell():
    assert markdown_table(["loss"], [["|a - b|\nmean"]]) == (
        "| loss |\n| :-- |\n| \\|a - b\\| mean |"
    )


def test_a_console_line_has_no_blanks_at_its_end():
    assert console_table(["a", "b"], [["long name", ""]]).splitlines()[2] == "long name"


def test_a_header_alone_is_a_table():
    assert console_table(["a"], []) == "a\n-"


@pytest.mark.parametrize("table", [markdown_table, console_table])
def test_rows_that_do_not_fit(table):
    with pytest.raises(ValueError, match=r"row 2 has 1 cells \(DANN\), expected 3 .*measured"):
        table(HEADER, [ROWS[0], ["DANN"]])
    with pytest.raises(ValueError, match="the header is empty"):
        table([], [])


def test_mean_std_by_hand():
    # Squares about the mean 3: 4 + 1 + 0 + 1 + 4 = 10, over n - 1 = 4, root of 2.5.
    assert mean_std([1, 2, 3, 4, 5]) == "3.000 ± 1.581"
    assert mean_std([0.808, 0.812, 0.816]) == "0.812 ± 0.004"
    assert mean_std([1, 2, 3, 4, 5], digits=1) == "3.0 ± 1.6"
    assert mean_std(iter([0.8124])) == "0.812"


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9))
def test_mean_std_agrees_with_the_standard_library(values):
    mean, deviation = map(float, mean_std(values, digits=6).split(" ± "))
    assert mean == pytest.approx(sum(values) / len(values), abs=1e-6)
    assert deviation == pytest.approx(statistics.variance(values) ** 0.5, abs=1e-6)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_mean_std_of_a_failed_run(bad):
    with pytest.raises(ValueError, match=f"the values hold {bad}, expected finite numbers"):
        mean_std([0.8, bad])


def test_mean_std_of_nothing():
    with pytest.raises(ValueError, match="no values"):
        mean_std([])
