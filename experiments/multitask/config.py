"""Settings of a call of `multitask`."""

from dataclasses import dataclass, field
from pathlib import Path

from tyro.conf import OmitArgPrefixes

from experiments.multitask.rows import ROWS, RowName
from jtransfer.train.parallel import Parallel


@dataclass(frozen=True)
class Config:
    """Settings of a call; each (row, number of digits with a label) is one cell."""

    rows: tuple[RowName, ...] = tuple(ROWS)  # rows of the table
    # images of each class whose digit is known, a column each; 0 for all
    each: tuple[int, ...] = (10, 50, 0)
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)  # a run each: labelled images, parameters, order
    steps: int = 300  # training steps of every run
    batch: int = 64  # images a step
    images: int = 4000  # images to train on
    test_images: int = 2000  # images to test on
    rate: float = 0.003  # learning rate of Adam at the start, falling to 0 as a cosine
    weight_rate: float = 10.0  # factor on the learning rate of task weights that are learned
    # temperature of the mixture of images with and without the digit's label
    temperature: float = 5.0
    record_every: int = 10  # steps between the task weights that are drawn
    parallel: OmitArgPrefixes[Parallel] = field(default=Parallel())  # devices, processes
    out: Path = Path("checkpoints/multitask")  # one folder a cell, and the figures
