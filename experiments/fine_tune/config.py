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

    pair: Literal["numbers-digits", "mnist-usps"] = "numbers-digits"  # source and target
    rows: tuple[RowName, ...] = tuple(ROWS)  # rows of the table
    # labelled images a class, a column each; 0 for all there are
    each: tuple[int, ...] = (1, 5, 10, 50, 0)
    seeds: tuple[int, ...] = (0,)  # a run each: labelled images, initial parameters, order
    steps: int | None = None  # training steps of every run on the target; by default the pair's
    source_steps: int | None = None  # training steps of the source net; by default the pair's
    batch: int = 32  # labelled images in a step
    source_batch: int = 64  # source images in a step
    # learning rate of the source net at the start, falling to 0 as a cosine
    source_rate: float = 0.05
    # learning rates on the target to choose from; where labels are too few to choose, the first
    rates: tuple[float, ...] = (0.01, 0.003, 0.03, 0.1)
    momentum: float = 0.9  # momentum of stochastic gradient descent
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
