"""Settings of a call of `fine_tune`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tyro.conf import OmitArgPrefixes

from experiments.fine_tune.pairs import PAIRS
from experiments.fine_tune.rows import ROWS, RowName
from jtransfer.recipes.finetuning.few_labels.options import Conduct, Options
from jtransfer.train.parallel import Parallel


@dataclass(frozen=True)
class Config:
    """Settings of a call; each (row, number of labelled images) is one cell."""

    pair: Literal["numbers-digits", "mnist-usps"] = "numbers-digits"  # source-target
    rows: tuple[RowName, ...] = tuple(ROWS)  # of the table
    each: tuple[int, ...] = (1, 5, 10, 50, 0)  # labelled images a class; 0 for all there are
    seeds: tuple[int, ...] = (0,)  # of labelled images, initial parameters and order
    steps: int | None = None  # of every run on the target, instead of the pair's
    source_steps: int | None = None  # of the source net's training, instead of the pair's
    batch: int = 32  # labelled images in a step
    source_batch: int = 64  # source images in a step
    source_rate: float = 0.05  # at the start, falling to 0 as a cosine
    rates: tuple[float, ...] = (0.01, 0.003, 0.03, 0.1)  # to choose from; by default the first
    momentum: float = 0.9  # of stochastic gradient descent
    parallel: OmitArgPrefixes[Parallel] = field(default=Parallel())  # devices, processes
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    out: Path = Path("checkpoints/fine_tune")  # one folder a cell, and the figure

    @property
    def options(self) -> Options:
        """How nets are trained."""
        return Options(
            batch=self.batch,
            source_batch=self.source_batch,
            source_learning_rate=self.source_rate,
            learning_rates=self.rates,
            momentum=self.momentum,
        )

    @property
    def conduct(self) -> Conduct:
        """How the runs of a call are conducted."""
        pair = PAIRS[self.pair]
        return Conduct(
            out=self.out,
            source_steps=self.source_steps or pair.source_steps,
            steps=self.steps or pair.steps,
            steps_all=self.steps or pair.steps_all,
            parallel=self.parallel,
            prefix=f"{self.pair}-",
            identity={"experiment": "fine_tune", "pair": self.pair},
        )
