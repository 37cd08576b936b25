"""Settings of a call of `multitask`."""

from dataclasses import dataclass, field
from pathlib import Path

from tyro.conf import OmitArgPrefixes

from experiments.multitask.rows import ROWS, RowName
from jtransfer.train.parallel import Parallel


@dataclass(frozen=True)
class Config:
    """Settings of a call; each (row, number of digits with a label) is one cell."""

    rows: tuple[RowName, ...] = tuple(ROWS)  # of the table
    each: tuple[int, ...] = (10, 50, 0)  # images a class whose digit is known; 0 for all
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)  # of labelled images, parameters and order
    steps: int = 300  # of every run
    batch: int = 64  # images a step
    images: int = 4000  # to train on
    test_images: int = 2000  # to test on
    rate: float = 0.003  # of Adam at the start, falling to 0 as a cosine
    weight_rate: float = 10.0  # factor on it for weights of tasks that are parameters
    temperature: float = 5.0  # of the mixture of images with and without the digit's label
    record_every: int = 10  # steps between the weights that are drawn
    parallel: OmitArgPrefixes[Parallel] = field(default=Parallel())  # devices, processes
    out: Path = Path("checkpoints/multitask")  # one folder a cell, and the figures
