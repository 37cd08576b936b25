"""Settings of a call of `adapt_trunk`."""

from dataclasses import dataclass
from pathlib import Path

from jtransfer.recipes.adaptation.development import DEVELOPMENT

PAIRS = (
    ("photo", "sketch"),
    ("photo", "cartoon"),
    ("art_painting", "sketch"),
    ("sketch", "photo"),
)
PACS = ("photo", "art_painting", "cartoon", "sketch")
PACS_DEVELOPMENT = tuple(pair for pair in DEVELOPMENT if set(pair) <= set(PACS))
# Those that train by steps on what frozen stages give.
TRIED = (
    "source",
    "dann",
    "weighted",
    "adda",
    "coral",
    "dan",
    "jan",
    "deepjdot",
    "afn",
    "mcc",
    "mdd",
    "cdan",
    "cdan_e",
    "self_training",
    "shot",
    "tent",
)
# The best three of these on photo → art_painting, written down before they were run on a pair of
# PAIRS. MCC was begun there while it was still ahead, and is shown too.
BEST = ("shot", "self_training", "deepjdot")
SHOWN = ("source", *BEST, "mcc", "target")


@dataclass(frozen=True)
class Config:
    """Settings of a call; each pair, method and seed is one cell."""

    development: bool = False  # development pairs, and all methods that are tried
    pairs: tuple[str, ...] = ()  # pairs such as photo:sketch; by default the four
    methods: tuple[str, ...] = ()  # methods; by default source, the best three, target
    seeds: tuple[int, ...] = (0,)  # a run each: heads, order of the images
    net: str = "efficientnet_lite0"  # net with published weights
    size: int = 128  # side of the images in pixels
    frozen: int = 7  # first stages that stay: stem and block1 to block6
    steps: int = 200  # training steps of every method
    batch: int = 32  # images of each domain in a step
    rate: float = 0.01  # of the heads; the trunk's is a tenth
    workers: int = 2  # processes that decode images; 0 decodes in the main one
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    cache: Path = Path("checkpoints/frozen_outputs")  # what the frozen stages give
    out: Path = Path("checkpoints/adapt_trunk")  # one folder a cell
