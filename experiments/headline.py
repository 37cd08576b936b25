"""The one row that stands for a table on the front page of the benchmarks."""

from typing import NamedTuple


class Headline(NamedTuple):
    """A measured number beside the published one.

    Attributes:
      task: what was learned on what, and by which method.
      measured: mean ± deviation over seeds or folds.
      published: the paper's number and its source; a dash where there is none.
    """

    task: str
    measured: str
    published: str = "–"
