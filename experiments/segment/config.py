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

    # data set: synthetic:scenes, or masks:<folder>, such as masks:camvid240
    data: str = "synthetic:scenes"
    # pretrained trunk, one of `jtransfer.trunks()` with maps of strides 32, 16 and 8: an
    # EfficientNet-Lite, a ResNet or a ConvNeXt
    net: str = "efficientnet_lite0"
    # rows of the table: coarse to fine, and the finest trained at once
    rows: tuple[Row, ...] = ("32s", "16s", "8s")
    seeds: tuple[int, ...] = (0,)  # a run each: new parameters, order, random changes of the images
    preset: Literal["small", "paper"] = "small"  # length of training: for two cores, or the paper's
    steps: int | None = None  # training steps of each stage; by default the preset's
    batch: int = 8  # images in a step
    learning_rate: float = 1e-3  # learning rate of Adam at the start
    trunk_rate: float = 0.5  # factor on the learning rate of the pretrained trunk
    # weights of the classes in the loss, by how frequent they are
    class_weights: ClassWeights = "none"
    size: tuple[int, int] | None = None  # height and width of the images; by default their own
    # height and width in pixels of what a step sees of an image; by default all of it
    window: tuple[int, int] | None = None
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
            window=self.window,
            parallel=self.parallel,
        )

    @property
    def conduct(self) -> Conduct:
        """Where the runs leave what they have."""
        data = self.data.replace(":", "_").replace("/", "_")
        size = "-{1}x{0}".format(*self.size) if self.size else ""
        identity = {"experiment": "segment", "preset": self.preset}
        return Conduct(self.out, f"{data}{size}-", identity)
