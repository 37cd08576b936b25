"""How speaker-independent nets are trained, and how they are adapted to a speaker."""

from dataclasses import dataclass

from jtransfer.transfer.finetuning.speaker import Method

Setting = tuple[float, float]
"""Learning rate, and rho of `kl` (0 for the others)."""


@dataclass(frozen=True)
class Training:
    """Speaker-independent training: AdamW, its rate falling as a cosine.

    Attributes:
      steps: of it.
      batch: utterances a step.
      learning_rate: at the start.
      weight_decay: of AdamW.
      spec_augment: whether bands and frames of the utterances are hidden at random.
      seed: of the initial parameters, the order and dropout.
    """

    steps: int = 600
    batch: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 1e-3
    spec_augment: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Adapting:
    """Adaptation to a speaker: Adam, its rate falling as a cosine.

    Attributes:
      steps: of every adaptation.
      batch: utterances a step.
      each: numbers of utterances of each class to adapt on.
      draws: of these utterances; all that a draw does not adapt on with its largest number is
        tested.
      learning_rates: to choose from.
      rhos: of `kl` (Yu et al. 2013), to choose from.
      choose_each: utterances of each class to choose settings on.
      together: adaptations in one call of a program, which decides how much memory it takes.
    """

    steps: int = 30
    batch: int = 10
    each: tuple[int, ...] = (1, 3, 5, 10)
    draws: int = 3
    learning_rates: tuple[float, ...] = (1e-3, 3e-3, 1e-2, 3e-2)
    rhos: tuple[float, ...] = (0.25, 0.5)
    choose_each: tuple[int, ...] = (3,)
    together: int = 24

    def settings_of(self, method: Method) -> list[Setting]:
        """What is chosen from for a method."""
        rhos = self.rhos if method == "kl" else (0.0,)
        return [(rate, rho) for rate in self.learning_rates for rho in rhos]

    @property
    def most(self) -> int:
        """Largest number of utterances of a class that a draw adapts on."""
        return max(*self.each, *self.choose_each)
