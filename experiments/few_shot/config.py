"""Settings of a call of `few_shot`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

LAYER = {"alexnet_2014": "conv5", "efficientnet_lite0": "top"}  # used unless another one is named


@dataclass(frozen=True)
class Config:
    """Settings of a call, which is one cell."""

    data: str = "folder:caltech101"  # one folder a class, below the data root
    net: Literal["alexnet_2014", "efficientnet_lite0"] = "efficientnet_lite0"
    weights: Path | None = None  # file of the net's weights; by default downloaded once
    layer: str | None = None  # of the net, instead of its last one
    ways: int = 5  # classes an episode
    shots: tuple[int, ...] = (1, 2, 5, 10)  # images a class to learn from
    queries: int = 15  # images a class to tell
    episodes: int = 2000  # for each number of shots
    seed: int = 0  # of the episodes
    batch: int = 64  # images in a call of the net
    workers: int = 2  # processes that decode images; 0 decodes in the main one
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    cache: Path = Path("checkpoints/features")  # extracted features
    out: Path = Path("checkpoints/few_shot")  # one folder a call, with the figure

    @property
    def chosen_layer(self) -> str:
        """The layer whose features are used."""
        return self.layer or LAYER[self.net]
