"""Settings of a call of `fine_tune_images`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tyro.conf import OmitArgPrefixes

from experiments.fine_tune_images.rows import RowName, rows_of
from jtransfer.recipes.finetuning.images.options import Conduct, Options
from jtransfer.train.parallel import Parallel


@dataclass(frozen=True)
class Config:
    """Settings of a call; each (row, seed) is one cell."""

    net: str = "alexnet_2014"  # pretrained net, one of those that `jtransfer.trunks()` lists
    preset: Literal["small", "paper"] = "small"  # resolution and length of training
    data: str = "folder:caltech101"  # data set, with a folder for each class below the data root
    weights: Path | None = None  # file of the net's weights; by default its publisher's
    # rows of the table; by default all that the net has
    rows: tuple[RowName, ...] | None = None
    seeds: tuple[int, ...] = (0,)  # a run each: split, head, order
    epochs: int | None = None  # epochs where the trunk moves; by default 3 (small) or 30 (paper)
    size: int | None = None  # side of the images in pixels; by default the preset's
    batch: int = 32  # images in a step
    train: int = 30  # images a class to train on
    test_at_most: int = 50  # images a class to test on, of the rest
    checkpoint_every: int = 100  # steps between checkpoints
    profile: bool = False  # trace a few steps of every cell and show the slowest operations
    workers: int = 2  # processes that decode images; 0 decodes in the main one
    # at an image that cannot be read: stop, or leave it out
    on_unreadable: Literal["stop", "skip"] = "stop"
    parallel: OmitArgPrefixes[Parallel] = field(default=Parallel())  # devices, processes
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    out: Path = Path("checkpoints/fine_tune_images")  # one folder a cell

    @property
    def side(self) -> int:
        """Side of the images in pixels."""
        return self.size or rows_of(self.net).size[self.preset]

    @property
    def length(self) -> int:
        """Epochs where the trunk moves."""
        return self.epochs or {"small": 3, "paper": 30}[self.preset]

    @property
    def net_rows(self) -> tuple[RowName, ...]:
        """Of the table."""
        return self.rows or rows_of(self.net).rows

    @property
    def options(self) -> Options:
        """How the net is trained."""
        return Options(epochs=self.length, batch=self.batch)

    def conduct(self, data: str) -> Conduct:
        """How the runs of a call are conducted, on data of this short name."""
        return Conduct(
            out=self.out,
            checkpoint_every=self.checkpoint_every,
            workers=self.workers,
            on_unreadable=self.on_unreadable,
            parallel=self.parallel,
            profile=self.profile,
            prefix=f"{data}-{self.net}-",
            identity={"experiment": "fine_tune_images", "net": self.net},
        )
