"""Settings of a call of `adapt_speaker`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tyro.conf import OmitArgPrefixes

from jtransfer.recipes.speakers.options import Adapting, Training
from jtransfer.train.parallel import Parallel
from jtransfer.transfer.finetuning.speaker import METHODS, Method


@dataclass(frozen=True)
class Config:
    """Settings of a call."""

    data: str = "synthetic:speech"  # data set: synthetic:speech, or wav:<folder>, such as wav:fsdd
    methods: tuple[Method, ...] = METHODS  # rows of the table
    each: tuple[int, ...] = (1, 3, 5, 10)  # utterances of each class to adapt on, a column each
    draws: int = 3  # how many times the utterances to adapt on are drawn
    steps: int = 600  # training steps of the speaker-independent net (AdamW)
    batch: int = 64  # utterances in a step of speaker-independent training
    # learning rate of speaker-independent training at the start, falling as a cosine
    rate: float = 3e-3
    decay: float = 1e-3  # weight decay of speaker-independent training
    # hide stretches of frames and bands (SpecAugment) in speaker-independent training
    hide: bool = False
    seed: int = 0  # seed of speaker-independent training
    adapt_steps: int = 30  # training steps of every adaptation (Adam)
    adapt_batch: int = 10  # utterances in a step of adaptation
    # learning rates of adaptation to choose from
    rates: tuple[float, ...] = (1e-3, 3e-3, 1e-2, 3e-2)
    rhos: tuple[float, ...] = (0.25, 0.5)  # weights of the old net in method `kl` to choose from
    choose_each: tuple[int, ...] = (3,)  # utterances of each class to choose settings on
    longest: float = 0.8  # seconds of an utterance that are used
    together: int = 24  # adaptations in one call of a program
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    parallel: OmitArgPrefixes[Parallel] = field(default=Parallel())  # devices, processes
    out: Path = Path("checkpoints/adapt_speaker")  # one folder a call and a net, and the figure

    @property
    def training(self) -> Training:
        """Of the speaker-independent nets."""
        return Training(self.steps, self.batch, self.rate, self.decay, self.hide, self.seed)

    @property
    def adapting(self) -> Adapting:
        """To every speaker."""
        return Adapting(
            steps=self.adapt_steps,
            batch=self.adapt_batch,
            each=self.each,
            draws=self.draws,
            learning_rates=self.rates,
            rhos=self.rhos,
            choose_each=self.choose_each,
            together=self.together,
        )

    @property
    def name(self) -> str:
        """Of the call, and of its folder."""
        steps = f"{self.steps}-{self.adapt_steps}steps"
        return f"{self.shown}-{steps}-{self.draws}draws-hide{self.hide:d}-seed{self.seed}"

    @property
    def shown(self) -> str:
        """The data's name in names of files."""
        return self.data.replace(":", "-")

    @property
    def settings(self) -> dict[str, Any]:
        """What the adaptations depend on, as it is written down."""
        own = ("each", "draws", "adapt_steps", "adapt_batch", "rates", "rhos", "choose_each")
        values = {key: getattr(self, key) for key in ("seed", "methods", *own, "longest")}
        return {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}
