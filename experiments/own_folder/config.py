"""Settings of a call of `own_folder`."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Config:
    """Settings of a call, which is one data set."""

    data: str = "folder:caltech101"  # one folder a class, below the data root
    net: str = "efficientnet_lite0"  # whose layers are tried
    train: int = 20  # images a class that the model is made of
    test_at_most: int | None = None  # images a class to judge it on, of the rest
    splits: int = 10  # random ones
    precision: float = 0.95  # that the sure guesses are to keep
    rival_splits: int = 3  # that scikit-learn's LogisticRegressionCV is timed on
    workers: int = 2  # processes that decode images; 0 decodes in the main one
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    cache: Path = Path("checkpoints/features")  # extracted features
    out: Path = Path("checkpoints/own_folder")  # one folder a call
