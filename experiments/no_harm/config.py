"""Settings of a call of `no_harm`."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Config:
    """Settings of a call; each pair and seed is one cell."""

    pairs: tuple[str, ...] = ()  # pairs such as photo:sketch; by default all 30
    development: bool = False  # run the development pairs alone, on which defaults were decided
    seeds: tuple[int, ...] = (0, 1, 2)  # a run each: draw of the examples, folds, k-means
    net: str = "efficientnet_lite0"  # frozen net whose features are taken
    layer: str = "block7"  # layer of the net, averaged over the pixels
    photographs: int = 128  # side in pixels to which PACS's images are cropped
    small: int = 96  # side in pixels to which digits and signs are scaled up
    source: int = 1000  # labelled images of the source at most; a fifth is held out for the choice
    target: int = 800  # unlabelled images of the target at most, to adapt to
    test: int = 2000  # other images of the target at most, by whose labels the choice is judged
    workers: int = 2  # processes that decode images; 0 decodes in the main one
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    cache: Path = Path("checkpoints/features")  # extracted features
    out: Path = Path("checkpoints/no_harm")  # one folder a cell
