"""Settings of a call of `probe_layers`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jtransfer.recipes.features.deep_features import Maps
from jtransfer.recipes.features.layer_probe import PENALTIES, Protocol
from jtransfer.recipes.features.nets import deep_net

Head = Literal["svm", "softmax"]
# Of AlexNet the convolutions, as the paper has them; of others what the net itself says.
ALEXNET = ("conv1", "conv2", "conv3", "conv4", "conv5")


@dataclass(frozen=True)
class Config:
    """Settings of a call; each (classifier, layer) is one cell."""

    data: str = "folder:caltech101"  # data set, with a folder for each class below the data root
    # pretrained net, one of `jtransfer.trunks()`, or alexnet_2014_unpooled
    net: str = "alexnet_2014"
    weights: Path | None = None  # file of the net's weights; by default its publisher's
    svm: tuple[str, ...] | None = None  # layers for the SVM; by default the net's usual ones
    softmax: tuple[str, ...] | None = None  # layers for the softmax; by default the usual ones
    # a layer's maps whole, or averaged over their pixels; by default AlexNet's whole, as in the
    # paper, those of other nets averaged
    maps: Maps | None = None
    # scale each image's features to length 1, or all of them to a mean length of 1
    scaling: Literal["l2", "mean"] = "l2"
    train: int = 30  # images a class to train on
    test_at_most: int = 50  # images a class to test on, of the rest
    folds: int = 5  # random splits into training and test images
    inner_folds: int = 5  # folds of each training set to choose C by
    penalties: tuple[float, ...] = PENALTIES  # values of C to choose from
    # views of an image: its centre, or ten crops, whose features are averaged
    views: Literal[1, 10] = 1
    batch: int = 64  # images in a call of the net
    workers: int = 2  # processes that decode images; 0 decodes in the main one
    # at an image that cannot be read: stop, or leave it out
    on_unreadable: Literal["stop", "skip"] = "stop"
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    cache: Path = Path("checkpoints/features")  # extracted features
    out: Path = Path("checkpoints/probe_layers")  # one folder a cell, and the figure

    @property
    def layers(self) -> dict[Head, tuple[str, ...]]:
        """The layers of each classifier."""
        usual = ALEXNET if self._alexnet else deep_net(self.net).probed_layers
        svm = usual if self.svm is None else self.svm
        softmax = usual[-1:] if self.softmax is None else self.softmax
        return {"svm": svm, "softmax": softmax}

    @property
    def taken(self) -> Maps:
        """What is taken of a layer's maps."""
        return self.maps or ("whole" if self._alexnet else "mean")

    @property
    def _alexnet(self) -> bool:
        return self.net.startswith("alexnet")

    @property
    def protocol(self) -> Protocol:
        """How classifiers are trained and tested."""
        return Protocol(
            self.scaling,
            self.train,
            self.test_at_most,
            self.folds,
            self.inner_folds,
            self.penalties,
        )
