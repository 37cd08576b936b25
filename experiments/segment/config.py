"""Settings of a call of `segment`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tyro.conf import OmitArgPrefixes

from jtransfer.recipes.segmentation.run import Conduct, Row
from jtransfer.recipes.segmentation.training import Options
from jtransfer.train.parallel import Parallel
from jtransfer.transfer.dense_prediction.class_weights import ClassWeights

STEPS = {"small": 600, "paper": 6000}


@dataclass(frozen=True)
class Config:
    """Settings of a call; each (row, seed) is one cell."""

    data: str = "synthetic:scenes"  # or masks:<folder>, such as masks:camvid240
    net: Literal["efficientnet_lite0"] = "efficientnet_lite0"
    rows: tuple[Row, ...] = ("32s", "16s", "8s")  # also 8s_scratch
    seeds: tuple[int, ...] = (0,)  # of what is newly drawn, the order and the random changes
    preset: Literal["small", "paper"] = "small"  # length of training
    steps: int | None = None  # of each stage, instead of the preset's
    batch: int = 8  # images in a step
    learning_rate: float = 1e-3  # of Adam at the start
    trunk_rate: float = 0.5  # factor on it for the published trunk
    class_weights: ClassWeights = "none"  # in the loss, by how frequent a class is
    size: tuple[int, int] | None = None  # height and width of the images; by default their own
    weights: Path | None = None  # file of the net's weights; by default from its package
    parallel: OmitArgPrefixes[Parallel] = field(default=Parallel())  # devices, processes
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    out: Path = Path("checkpoints/segment")  # one folder a cell

    @property
    def options(self) -> Options:
        """How a stage is trained."""
        return Options(
            steps=self.steps or STEPS[self.preset],
            batch=self.batch,
            learning_rate=self.learning_rate,
            trunk_rate=self.trunk_rate,
            weights=self.class_weights,
            parallel=self.parallel,
        )

    @property
    def conduct(self) -> Conduct:
        """Where the runs leave what they have."""
        data = self.data.replace(":", "_").replace("/", "_")
        return Conduct(self.out, f"{data}-", {"experiment": "segment", "preset": self.preset})
