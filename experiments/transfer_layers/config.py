"""Settings of a call of `transfer_layers`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tyro.conf import OmitArgPrefixes

from experiments.transfer_layers.tasks import TASKS
from jtransfer.recipes.finetuning.layers.options import Conduct, Options
from jtransfer.recipes.finetuning.layers.run import KINDS, Kind
from jtransfer.train.parallel import Parallel


@dataclass(frozen=True)
class Config:
    """Settings of a call; each (kind, number of layers) is one cell."""

    task: Literal["digits", "signs"] = "digits"  # data set whose classes are split
    kinds: tuple[Kind, ...] = KINDS  # lines of the figure
    seeds: tuple[int, ...] = (0,)  # a run each: split, initial parameters, order
    steps: int | None = None  # training steps of every net; by default the task's
    batch: int = 32  # images in a step
    rate: float = 0.02  # learning rate at the start, falling to 0 as a cosine
    momentum: float = 0.9  # momentum of stochastic gradient descent
    parallel: OmitArgPrefixes[Parallel] = field(default=Parallel())  # devices, processes
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    out: Path = Path("checkpoints/transfer_layers")  # one folder a cell, and the figure

    @property
    def options(self) -> Options:
        """How nets are trained for the task."""
        task = TASKS[self.task]
        return Options(
            net=task.net,
            steps=self.steps or task.steps,
            batch=self.batch,
            learning_rate=self.rate,
            momentum=self.momentum,
        )

    @property
    def conduct(self) -> Conduct:
        """How the runs of a call are conducted."""
        return Conduct(
            out=self.out,
            parallel=self.parallel,
            prefix=f"{self.task}-",
            identity={"experiment": "transfer_layers", "task": self.task},
        )
