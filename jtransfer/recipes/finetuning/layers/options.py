"""How the nets are trained whose layers are copied, and how the runs are conducted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jtransfer.nets.classifier import Classifier
from jtransfer.nets.small import digit_net
from jtransfer.train.parallel import Parallel


@dataclass(frozen=True)
class Options:
    """How all the nets are trained; the defaults suit small images.

    Attributes:
      net: makes a net of so many `classes`.
      steps: of every net's training.
      batch: images in a step.
      learning_rate: at the start, falling to 0 as a cosine.
      momentum: of stochastic gradient descent.
    """

    net: Callable[..., Classifier] = digit_net
    steps: int = 300
    batch: int = 32
    learning_rate: float = 0.02
    momentum: float = 0.9


@dataclass(frozen=True)
class Conduct:
    """How runs are conducted, and where they leave what they have.

    Attributes:
      out: the folder of the runs, one folder each.
      parallel: devices and processes.
      prefix: before the names of the runs' folders.
      identity: written into config and result, beside what these themselves say, such as the name
        of the net, by which runs of several nets are told apart.
    """

    out: Path = Path("checkpoints/transfer_layers")
    parallel: Parallel = field(default_factory=Parallel)
    prefix: str = ""
    identity: Mapping[str, Any] = field(default_factory=dict)
