"""Settings of a call of `zero_shot`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from tyro.conf import OmitArgPrefixes

from jtransfer.train.parallel import Parallel

MethodName = Literal["look_up", "dap", "iap", "eszsl", "ale", "devise", "towers"]
SideName = Literal["continuous", "binary", "words", "both"]


@dataclass(frozen=True)
class World:
    """Settings of `synthetic:attributes`."""

    images: int = 12_000  # images to train on, of 192 classes, 48 of them for validation
    test_images: int = 5_760  # images to test on, of all 288 classes
    # parts that a trained class's images fall into, one of which is held out to choose by
    held_out: int = 10
    steps: int = 600  # training steps
    batch: int = 64  # images a step
    rate: float = 3e-3  # learning rate of Adam at the start, falling to 0 as a cosine


@dataclass(frozen=True)
class Grid:
    """Settings of `npz:awa1`; each (method, side) is one cell."""

    methods: tuple[MethodName, ...] = get_args(MethodName)  # rows of the table
    sides: tuple[SideName, ...] = get_args(SideName)  # what is known about the classes
    phog_weight: float = 0.5  # length of the phog descriptor where rgsift has 1
    folds: int = 4  # parts of the seen classes, each in turn the validation classes
    # parts that a seen class's images fall into, one of which is tested on in the generalised case
    held_out: int = 5
    words: str = "glove_6b_100d.npz"  # word vectors below the data root


@dataclass(frozen=True)
class Symbols:
    """Settings of `csv:<file>`."""

    leave_out: tuple[str, ...] = ()  # columns that are no attributes, such as `type` of zoo.csv
    # shares of the attributes that are only guessed
    guessed: tuple[float, ...] = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
    draws: int = 50  # draws for each share and seed


@dataclass(frozen=True)
class Config:
    """Settings of a call."""

    # data set: synthetic:attributes, npz:awa1, or csv:<file> below the data root
    data: str = "synthetic:attributes"
    seeds: tuple[int, ...] = (0, 1, 2)  # a run each: drawing and training; closed forms need one
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    out: Path = Path("checkpoints/zero_shot")  # one folder a cell
    parallel: OmitArgPrefixes[Parallel] = field(default=Parallel())  # devices, processes
    world: World = field(default=World())
    grid: Grid = field(default=Grid())
    symbols: Symbols = field(default=Symbols())
