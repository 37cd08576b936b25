"""What is said of one set of published weights."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.weights.preprocessing import Preprocessing
from jtransfer.nets.weights.torch_layout import TorchNames


class Origin(Protocol):
    """Where a file of weights comes from."""

    @property
    def sha256(self) -> str:
        """Of the file, in hexadecimal: all digits, the first ones, or none where none is known."""
        ...

    def at_hand(self, cache_folder: Path) -> bool:
        """Whether the file is on this machine; nothing is fetched."""
        ...

    def fetch(self, cache_folder: Path) -> Path:
        """The file's path, after it has been fetched if need be, or a WeightsError."""
        ...

    def get(self) -> str:
        """The command that gets the weights."""
        ...


@dataclass(frozen=True)
class PublishedWeights:
    """Weights that somebody published.

    Attributes:
      build: makes the net; takes `classes=` and the net's other options.
      names: what the published file calls the net's modules.
      preprocessing: of the images that they were judged on.
      origins: where the file comes from; the first that is at hand is taken, else the first that
        can be fetched.
      publisher: who published them, under which name.
      licence: of the weights, as its publisher names it.
      parameters: numbers in the whole net that training moves.
      gflop: of one image in 1e9, a multiplication and an addition each counted.
      top1: share of ImageNet's validation images that the whole net is right on, as the publisher
        says; None where it says none, or the net names no classes.
      head: the net's last stage, which names classes, or is CLIP's projection.
      classes: how many the published head names, ImageNet's 1,000; 0 if it was published without,
        None if it names none.
      timm_names: what timm calls the net's modules, where the published file has other names.
    """

    build: Callable[..., Trunk]
    names: TorchNames
    preprocessing: Preprocessing
    origins: tuple[Origin, ...]
    publisher: str
    licence: str
    parameters: int
    gflop: float
    top1: float | None = None
    head: str = "fc"
    classes: int | None = 1000
    timm_names: TorchNames | None = None
