"""Settings of a call of `retrieve`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jtransfer.recipes.features.nets import deep_net


@dataclass(frozen=True)
class Config:
    """Settings of a run."""

    data: str = "folder:caltech101"  # data set, with a folder for each class below the data root
    net: str = "alexnet_2014"  # pretrained net, one of those that `jtransfer.trunks()` lists
    layer: str | None = None  # layer of the net, such as conv5 of AlexNet; by default its features
    weights: Path | None = None  # file of the net's weights; by default its publisher's
    queries: int = 5  # images of every class that are queries; all others are the gallery
    seed: int = 0  # seed of the choice of the queries
    components: int = 500  # components of the PCA, fitted to the gallery
    power: float = 2.0  # power of the signed power that features are taken to
    # views of an image: its centre, or ten crops, whose features are averaged
    views: Literal[1, 10] = 1
    sheet_rows: int = 12  # queries on the contact sheet, evenly spread over the classes
    sheet_columns: int = 8  # nearest images of each query on the sheet
    batch: int = 64  # images in a call of the net
    workers: int = 2  # processes that decode images; 0 decodes in the main one
    # at an image that cannot be read: stop, or leave it out
    on_unreadable: Literal["stop", "skip"] = "stop"
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    cache: Path = Path("checkpoints/features")  # extracted features
    out: Path = Path("checkpoints/retrieve")  # one folder a run

    @property
    def chosen_layer(self) -> str:
        """The layer whose features are used."""
        if self.layer is None and self.net == "alexnet_2014":
            return "conv5"
        return self.layer or deep_net(self.net).feature_layer
