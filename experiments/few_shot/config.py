"""Settings of a call of `few_shot`."""

from dataclasses import dataclass
from pathlib import Path

from jtransfer.recipes.features.nets import deep_net


@dataclass(frozen=True)
class Config:
    """Settings of a call, which is one cell."""

    data: str = "folder:caltech101"  # data set, with a folder for each class below the data root
    net: str = "efficientnet_lite0"  # pretrained net, one of those that `jtransfer.trunks()` lists
    weights: Path | None = None  # file of the net's weights; by default its publisher's
    layer: str | None = None  # layer of the net, such as conv5 of AlexNet; by default its features
    ways: int = 5  # classes in an episode
    shots: tuple[int, ...] = (1, 2, 5, 10)  # images of each class to learn from, a column each
    queries: int = 15  # images of each class to tell
    episodes: int = 2000  # episodes for each number of shots
    seed: int = 0  # seed of the episodes
    batch: int = 64  # images in a call of the net
    workers: int = 2  # processes that decode images; 0 decodes in the main one
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    cache: Path = Path("checkpoints/features")  # extracted features
    out: Path = Path("checkpoints/few_shot")  # one folder a call, with the figure

    @property
    def chosen_layer(self) -> str:
        """The layer whose features are used."""
        if self.layer is None and self.net == "alexnet_2014":
            return "conv5"
        return self.layer or deep_net(self.net).feature_layer
