"""How nets are fine-tuned on image files, and how the runs are conducted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jtransfer.data.feeds.unreadable import OnUnreadable
from jtransfer.train.parallel import Parallel


@dataclass(frozen=True)
class Options:
    """How nets are fine-tuned, whatever the regime.

    Attributes:
      epochs: where the trunk moves.
      batch: images in a step.
      momentum: Nesterov's, of stochastic gradient descent whose rate falls to 0 as a cosine.
      head_steps: of a head on cached features.
      head_learning_rates: of such a head, on features of mean length 1, to choose from.
      probe_C: of the linear probe, to choose from.
    """

    epochs: int = 3
    batch: int = 32
    momentum: float = 0.9
    head_steps: int = 3000
    head_learning_rates: tuple[float, ...] = (3.0, 1.0, 0.3, 0.1)
    probe_C: tuple[float, ...] = tuple(4.0**power for power in range(0, 6))


@dataclass(frozen=True)
class Conduct:
    """How runs are conducted, and where they leave what they have.

    Attributes:
      out: the folder of the runs, one folder each.
      checkpoint_every: steps between checkpoints, where the trunk moves.
      workers: processes that decode images; 0 decodes in this one.
      on_unreadable: "stop" at an image that cannot be read, or "skip" it.
      parallel: devices and processes.
      profile: whether a few steps of every run are traced first and their slowest operations shown.
      prefix: before the names of the runs' folders.
      identity: written into config and result, beside what these themselves say.
    """

    out: Path = Path("checkpoints/fine_tune_images")
    checkpoint_every: int = 100
    workers: int = 2
    on_unreadable: OnUnreadable = "stop"
    parallel: Parallel = field(default_factory=Parallel)
    profile: bool = False
    prefix: str = ""
    identity: Mapping[str, Any] = field(default_factory=dict)
