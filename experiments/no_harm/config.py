"""Settings of a call of `no_harm`."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Config:
    """Settings of a call; each pair and seed is one cell."""

    pairs: tuple[str, ...] = ()  # such as photo:sketch; by default all of `pairs.PAIRS`
    development: bool = False  # the development pairs alone
    seeds: tuple[int, ...] = (0, 1, 2)  # of the draw of examples, of folds and of k-means
    net: str = "efficientnet_lite0"  # the frozen trunk
    layer: str = "block7"  # of it, averaged over the pixels: decided on the development pairs
    photographs: int = 128  # size of the crop from PACS's images, in pixels
    small: int = 96  # to which digits and signs are scaled up, in pixels
    source: int = 1000  # labelled images at most, a fifth of which is held out for the choice
    target: int = 800  # unlabelled images at most to adapt to
    test: int = 2000  # other images of the target at most, whose labels judge
    workers: int = 2  # processes that decode images; 0 decodes in the main one
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    cache: Path = Path("checkpoints/features")  # extracted features
    out: Path = Path("checkpoints/no_harm")  # one folder a cell
