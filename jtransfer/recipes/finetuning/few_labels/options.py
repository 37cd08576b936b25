"""How nets are trained on source and target, and how the runs are conducted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jtransfer.nets.classifier import Classifier
from jtransfer.nets.small import digit_net
from jtransfer.train.parallel import Parallel


@dataclass(frozen=True)
class Options:
    """How nets are trained, whatever the regime; the defaults suit small images.

    Attributes:
      net: makes a net of `classes`, and of the `hidden` widths and the `dropout` of its head.
      batch: labelled images of the target in a step.
      source_batch: source images in a step.
      source_learning_rate: at the start, falling to 0 as a cosine, as all rates do.
      learning_rates: on the target, to choose from; the first where none can be held out.
      momentum: of stochastic gradient descent.
    """

    net: Callable[..., Classifier] = digit_net
    batch: int = 32
    source_batch: int = 64
    source_learning_rate: float = 0.05
    learning_rates: tuple[float, ...] = (0.01, 0.003, 0.03, 0.1)
    momentum: float = 0.9


@dataclass(frozen=True)
class Conduct:
    """How runs are conducted, and where they leave what they have.

    Attributes:
      out: the folder of the runs, one folder each.
      source_steps: training steps of the source net.
      steps: on some labelled images of the target.
      steps_all: on all of them.
      parallel: devices and processes.
      prefix: before the names of the runs' folders.
      identity: written into config and result, beside what these themselves say, such as the name
        of the net, by which runs of several nets are told apart.
    """

    out: Path = Path("checkpoints/fine_tune")
    source_steps: int = 2000
    steps: int = 300
    steps_all: int = 1500
    parallel: Parallel = field(default_factory=Parallel)
    prefix: str = ""
    identity: Mapping[str, Any] = field(default_factory=dict)

    def steps_for(self, each: int) -> int:
        """Training steps on `each` labelled images a class, 0 for all."""
        return self.steps if each else self.steps_all
