"""Settings of a call of `probe_layers`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jtransfer.recipes.features.layer_probe import PENALTIES, Protocol

Head = Literal["svm", "softmax"]
# Layers that are classified unless others are named.
LAYERS: dict[str, dict[str, tuple[str, ...]]] = {
    "alexnet_2014": {
        "svm": ("conv1", "conv2", "conv3", "conv4", "conv5"),
        "softmax": ("conv5",),
    },
    "efficientnet_lite0": {
        "svm": ("block1", "block2", "block3", "block4", "block5", "block6", "block7", "top"),
        "softmax": ("top",),
    },
}


@dataclass(frozen=True)
class Config:
    """Settings of a call; each (classifier, layer) is one cell."""

    data: str = "folder:caltech101"  # one folder a class, below the data root
    net: Literal["alexnet_2014", "alexnet_2014_unpooled", "efficientnet_lite0"] = "alexnet_2014"
    weights: Path | None = None  # file of the net's weights; by default downloaded once
    svm: tuple[str, ...] | None = None  # layers for the SVM, instead of the net's usual ones
    softmax: tuple[str, ...] | None = None  # layers for the softmax, instead of the usual ones
    scaling: Literal["l2", "mean"] = "l2"  # each image's features to length 1, or all to mean 1
    train: int = 30  # images a class to train on
    test_at_most: int = 50  # images a class to test on, of the rest
    folds: int = 5  # random splits into training and test images
    inner_folds: int = 5  # of each training set, to choose C
    penalties: tuple[float, ...] = PENALTIES  # values of C to choose from
    views: Literal[1, 10] = 1  # centre crop, or the mean of ten crops' features
    batch: int = 64  # images in a call of the net
    workers: int = 2  # processes that decode images; 0 decodes in the main one
    on_unreadable: Literal["stop", "skip"] = "stop"  # at an image that cannot be read
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    cache: Path = Path("checkpoints/features")  # extracted features
    out: Path = Path("checkpoints/probe_layers")  # one folder a cell, and the figure

    @property
    def layers(self) -> dict[Head, tuple[str, ...]]:
        """The layers of each classifier."""
        usual = LAYERS[self.net.removesuffix("_unpooled")]
        svm = usual["svm"] if self.svm is None else self.svm
        softmax = usual["softmax"] if self.softmax is None else self.softmax
        return {"svm": svm, "softmax": softmax}

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
