import numpy as np
import pytest

from jtransfer.measure.page import (
    Estimate,
    ImageMap,
    ReliabilityBin,
    Report,
    Sample,
    Share,
    Table,
)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Share(1.2), "1.2"),
        (lambda: Share(float("nan")), "nan"),
        (lambda: Share(0.5, low=0.4), "both ends"),
        (lambda: Share(0.5, 0.6, 0.4), "lower end first"),
        (lambda: Sample("a.jpg", b"<svg onload=alert(1)>"), "JPEG or PNG"),
        (lambda: Sample("a.jpg", probability=-0.1), "probability of -0.1"),
        (lambda: ReliabilityBin(0.5, 50, 3), "bin of reliability"),
        (lambda: ImageMap(np.zeros((2, 3)), [Sample("a"), Sample("b")]), r"\(2, 3\)"),
        (lambda: ImageMap(np.full((1, 2), np.inf), [Sample("a")]), "finite"),
        (lambda: Table("sizes", ["a", "b"], [[1, 2], [3]]), "row 1 of 'sizes' has 1"),
        (
            lambda: Report("r", classes="ab", estimate=Estimate(Share(0.5), counts=[1])),
            "counts of the estimate has 1 entries for 2 classes",
        ),
        (lambda: Report("r", classes="ab", confusion=np.eye(3)), r"\(3, 3\) for 2 classes"),
        (lambda: Report("r", classes="ab", confusion=-np.eye(2)), "none negative"),
    ],
)
def test_what_does_not_fit_is_refused(make, said: str):
    with pytest.raises(ValueError, match=said):
        make()


def test_a_report_needs_a_title_alone():
    report = Report("Nothing found")
    assert report.estimate is None
    assert not report.candidates
