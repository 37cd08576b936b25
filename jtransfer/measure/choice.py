"""Choosing between models without a label of the target, the source-only model among them.

The rule was decided on the development pairs of `jtransfer.recipes.adaptation.development` alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

SOURCE_ONLY = "source"
RULE = ("class_clustering", "consensus")
"""The criteria that decide."""
AGREED = 0.8
"""Consensus below which a candidate is not taken, however well its guesses cluster.

On the development pairs, with classes as frequent in both domains and with others, .75 to .85 did
about as well; below, candidates that followed clusters of their own were taken."""
CLUSTERED = 0.05
"""Class clustering below which guesses have nothing to do with what lies together.

Of linear guesses on 800 examples of noise in eighty or more dimensions it is .046 at most; a
hundred examples, or few dimensions, may have more, and are not told from a target by this."""


@dataclass(frozen=True)
class Choice:
    """Which model was chosen, and why.

    Attributes:
      name: of the chosen one; that of the source-only model means to keep it.
      keep: the source-only model's.
      values: of every criterion for every candidate.
      agreed: the candidates that guess mostly as all of them do together, the best clustered first.
      because: why the source-only model is kept though another one is the best of these, if it is.
    """

    name: str
    keep: str
    values: Mapping[str, Mapping[str, float]]
    agreed: tuple[str, ...]
    because: str = ""

    @property
    def keeps_source(self) -> bool:
        """Whether the source-only model is to be kept."""
        return self.name == self.keep

    @property
    def sureness(self) -> float:
        """The chosen one's consensus: the share of the target that is guessed so by all together.

        What is left is guessed otherwise by the others, which may be right there.
        """
        return self.values[self.name]["consensus"]

    def ordered(self) -> tuple[str, ...]:
        """All candidates: those that agree, the best clustered first, then the others."""
        others = [name for name in self.values if name not in self.agreed]
        others.sort(key=lambda name: -self.values[name]["consensus"])
        return (*self.agreed, *others)

    def __str__(self) -> str:
        """The choice in a sentence."""
        why = (
            f"its guesses are the best clusters of the target (class clustering "
            f"{self.values[self.name]['class_clustering']:.2f}) among candidates that guess as all "
            f"do together on {AGREED:.0%} of it or more; it does on {self.sureness:.0%}"
        )
        if self.keeps_source:
            return f"Keep the source-only model: {self.because or why}."
        return f"Take {self.name}: {why}."


def choose(candidates: Mapping[str, Mapping[str, float]], *, keep: str = SOURCE_ONLY) -> Choice:
    """Choose the candidate of the best clusters among those that do not leave the others.

    Each of the two criteria fails alone: what follows clusters may give them wrong names, and what
    agrees with all may be no better than their mean. So class clustering decides among the
    candidates that guess as all do together on at least `AGREED` of the target. The source-only
    model is kept where no candidate does, where it is as good as the best, and where what all guess
    has nothing to do with the target's clusters (`CLUSTERED`): such a target may be noise.
    Of others that are equal the first is taken.

    Args:
      candidates: {name: {criterion: value}}, each with the criteria of `RULE`, of
        `jtransfer.measure.selection`.
      keep: name of the source-only model, which is always a candidate.

    Raises:
      ValueError: if the source-only model is none of the candidates, or a value is missing or not
        finite.
    """
    if keep not in candidates:
        raise ValueError(
            f"candidates {', '.join(candidates) or 'none'}, without {keep!r}; expected the "
            "source-only model among them, for to keep it is a choice"
        )
    for name, values in candidates.items():
        for criterion in RULE:
            value = values.get(criterion, np.nan)
            if not np.isfinite(value):
                raise ValueError(
                    f"{criterion} of {name!r} is {value}; expected a finite number for every "
                    "candidate. Leave out one that diverged"
                )
    clustering = {name: values["class_clustering"] for name, values in candidates.items()}
    agreed = tuple(
        sorted(
            (name for name in candidates if candidates[name]["consensus"] >= AGREED),
            key=lambda name: (-clustering[name], name != keep),
        )
    )
    best, because = agreed[0] if agreed else keep, ""
    # Not the best one's guesses: those may follow whatever clusters noise has.
    middle = max(candidates, key=lambda name: candidates[name]["consensus"])
    if not agreed:
        because = f"no candidate guesses as all do together on {AGREED:.0%} of the target"
    elif best != keep and clustering[middle] < CLUSTERED:
        because = (
            f"what {middle} guesses, which all together come nearest to, has nothing to do with "
            f"what lies together in the target (class clustering {clustering[middle]:.2f})"
        )
    return Choice(
        keep if because else best,
        keep,
        {name: dict(values) for name, values in candidates.items()},
        agreed,
        because,
    )
