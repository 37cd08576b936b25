"""Settings of a call of `few_shot`."""

from dataclasses import dataclass
from pathlib import Path

from jtransfer.recipes.features.nets import deep_net


@dataclass(frozen=True)
class Config:
    """Settings of a call, which is one cell."""

    data: str = "folder:caltech101"  # one folder a class, below the data root
    net: str = "efficientnet_lite0"  # any that jtransfer.trunks() lists
    weights: Path | None = None  # file of the net's weights; by default its publisher's
    layer: str | None = None  # of the net, instead of its features (of AlexNet: conv5)
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
        if self.layer is None and self.net == "alexnet_2014":
            return "conv5"
        return self.layer or deep_net(self.net).feature_layer
