"""What a pair of domains says of how nets are trained for it, and how its runs are conducted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from jtransfer.nets.ganin import AdaptationNet, Judged, mnist_net
from jtransfer.recipes.adaptation.published_trunk import PublishedTrunk
from jtransfer.train.parallel import Parallel

# Batch norm that keeps statistics for each domain, and dropout where the net has its place for it.
NORMED: Mapping[str, Any] = {"norm": True, "dropout": 0.5}


@dataclass(frozen=True)
class Options:
    """How nets are trained for a problem, whatever the method; the defaults suit small images.

    Attributes:
      net: makes the net from `classes`, `norm` and `dropout`, as `jt.mnist_net` does.
      net_options: what is given to it beside the number of classes.
      augmented: whether images are standardised one by one and, in training, changed at random.
      learning_rate: of source only, DANN and train on target, at the start.
      annealed: whether that falls, to a sixth in the end (Ganin et al. 2016).
      momentum: of their stochastic gradient descent.
      gamma: steepness of the ramp of lambda, 2 / (1 + exp(-gamma p)) - 1 (Ganin et al. 2016).
      like_frequencies: whether the classes are about as frequent in both domains, so that their
        distributions may be aligned as a whole; the mean teacher does so by half otherwise, and
        without adversary.
      judged: what the discriminators of ADDA and of translation's codes read: class logits, as the
        code that ADDA's authors published has it, or the features.
      batch: images of each domain in a step.
      trunk: with published weights, in place of `net`; images then are normalised as it wants them.
    """

    net: Callable[..., AdaptationNet] = mnist_net
    net_options: Mapping[str, Any] = field(default_factory=lambda: dict(NORMED))
    augmented: bool = False
    learning_rate: float = 0.01
    annealed: bool = True
    momentum: float = 0.9
    gamma: float = 10.0
    like_frequencies: bool = True
    judged: Judged = "logits"
    batch: int = 64
    trunk: PublishedTrunk | None = None

    def said(self) -> dict[str, Any]:
        """The options for a run's settings, the net by its name."""
        given = self.net if isinstance(self.net, partial) else partial(self.net)
        name = f"{given.func.__module__}.{given.func.__qualname__}"
        trunk = {} if self.trunk is None else {"trunk": self.trunk.said()}
        said = {key: value for key, value in vars(self).items() if key != "trunk"} | trunk
        return {**said, "net": name, "net_options": {**given.keywords, **self.net_options}}


@dataclass(frozen=True)
class Conduct:
    """How runs are conducted, and where they leave what they have.

    Attributes:
      out: the folder of the runs, one folder each.
      steps: training steps of every method.
      steps_of_method: of a method by itself, instead.
      evaluate_every: steps between looks at the test images, which decide nothing; 0 for none.
      checkpoint_every: steps between checkpoints; 0 for one at the end.
      parallel: devices and processes.
      profile: whether a few steps are traced first and their slowest operations shown.
      prefix: before the names of the runs' folders.
      identity: written into config and result, beside what the recipe itself says.
    """

    out: Path | str = Path("checkpoints/adapt")
    steps: int = 3_000
    steps_of_method: Mapping[str, int] = field(default_factory=dict)
    evaluate_every: int = 500
    checkpoint_every: int = 500
    parallel: Parallel = field(default_factory=Parallel)
    profile: bool = False
    prefix: str = ""
    identity: Mapping[str, Any] = field(default_factory=dict)

    def steps_of(self, method: str) -> int:
        """Training steps of a method."""
        return self.steps_of_method.get(method, self.steps)

    def name(self, method: str, seed: int) -> str:
        """Of a run, and of its folder."""
        return f"{self.prefix}{method}-{self.steps_of(method)}-seed{seed}"

    def folder(self, name: str) -> Path:
        """Of the run of a name."""
        return Path(self.out) / name
