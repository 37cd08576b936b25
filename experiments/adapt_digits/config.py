"""Settings of a call of `adapt_digits`."""

from dataclasses import dataclass, field
from inspect import signature
from pathlib import Path
from typing import Literal

from tyro.conf import OmitArgPrefixes

from experiments.adapt_digits.pairs import NETS, PAIRS
from jtransfer.train.parallel import Parallel

MethodName = Literal[
    "source",
    "sa",
    "dann",
    "weighted",
    "adda",
    "translation",
    "teacher",
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
    "target",
]
MEASURED: tuple[MethodName, ...] = (
    "source",
    "sa",
    "dann",
    "weighted",
    "adda",
    "translation",
    "teacher",
    "target",
)
PairName = Literal[
    "fonts-photographs",
    "numbers-digits",
    "mnist-mnist_m",
    "mnist-usps",
    "usps-mnist",
    "signs-gtsrb",
    "numbers-scene_digits",
    "numbers-svhn",
    "svhn-mnist",
    "numbers-svhn10k",
    "svhn10k-mnist",
]
ArchitectureName = Literal["lenet", "mnist", "svhn", "gtsrb"]
NetName = Literal["paper", "normed", "augmented"]


@dataclass(frozen=True)
class Config:
    """Settings of a call; each (method, seed) is one cell."""

    pair: PairName = "fonts-photographs"  # the two domains, source and target
    methods: tuple[MethodName, ...] = MEASURED  # rows of the table; by default the published one's
    seeds: tuple[int, ...] = (0,)  # a run each: initial parameters, order of the examples, dropout
    together: bool = False  # train the seeds of a method in one program
    profile: bool = False  # trace a few steps of every cell and show the slowest operations
    # net: the paper's; with batch norm and dropout; that on augmented images
    net: NetName = "normed"
    architecture: ArchitectureName | None = None  # the net's layers; by default the pair's
    # share of the net's channels and hidden units; by default all, or what the pair's small preset
    # keeps
    width: float | None = None
    # number of steps: for two cores, or for accelerators
    preset: Literal["small", "paper"] = "small"
    steps: int | None = None  # training steps of every method; by default the preset's
    batch: int = 64  # images of each domain in a step
    # learning rate of source only, DANN, train on target; by default the pair's
    rate: float | None = None
    momentum: float = 0.9  # momentum of these three, which descend by stochastic gradients
    gamma: float = 10.0  # steepness of the ramp of lambda, 2 / (1 + exp(-gamma p)) - 1
    evaluate_every: int = 500  # steps between looks at the test set, which decide nothing
    checkpoint_every: int = 500  # steps between checkpoints
    parallel: OmitArgPrefixes[Parallel] = field(default=Parallel())  # devices, processes
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    out: Path = Path("checkpoints/adapt_digits")  # one folder a cell, and the figures

    def __post_init__(self):
        """Check that the settings fit each other."""
        if self.width is not None and not 0 < self.width <= 1:
            raise ValueError(
                f"a width of {self.width}; expected a share of the net's channels above 0 and up "
                "to 1, such as 0.5"
            )
        if self.width is not None and "width" not in signature(NETS[self.layers]).parameters:
            raise ValueError(
                f"a width of {self.width} for the {self.layers} net, which has one alone; expected "
                "the svhn or gtsrb net. Leave out --width, or choose another --architecture"
            )
        if self.together and (self.parallel.devices != 1 or self.parallel.distributed):
            raise ValueError(
                "together with several devices or processes; expected one device for the seeds of "
                "one program. Leave out --together, or --devices and --distributed"
            )

    @property
    def layers(self) -> str:
        """Key of `NETS`: the architecture, by default the pair's."""
        return self.architecture or PAIRS[self.pair].net

    @property
    def title(self) -> str:
        """What the names of its folders begin with."""
        architecture = "" if self.architecture is None else f"-{self.architecture}_net"
        width = "" if self.width is None else f"-width{self.width:g}"
        return f"{self.pair}-{self.net}{architecture}{width}"

    def steps_of(self, method: MethodName) -> int:
        """Training steps of a method."""
        return self.steps or PAIRS[self.pair].steps_of(method, self.preset)
