"""Settings of a call of `own_folder`."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Config:
    """Settings of a call, which is one data set."""

    data: str = "folder:caltech101"  # data set, with a folder for each class below the data root
    net: str = "efficientnet_lite0"  # pretrained net whose layers are tried
    train: int = 20  # images of each class that the model is made of
    # other images of each class, at most, to judge it on; by default all
    test_at_most: int | None = None
    splits: int = 10  # random splits into both
    precision: float = 0.95  # share of the sure guesses that is to be right
    rival_splits: int = 3  # splits that scikit-learn's LogisticRegressionCV is timed on
    workers: int = 2  # processes that decode images; 0 decodes in the main one
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    cache: Path = Path("checkpoints/features")  # extracted features
    out: Path = Path("checkpoints/own_folder")  # one folder a call
