"""Choosing between models without a label of the target, the source-only model among them.

The rule was decided on the development pairs of `jtransfer.recipes.adaptation.development` alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from jtransfer.measure.selection import CRITERIA

SOURCE_ONLY = "source"
RULE = ("class_clustering", "ensemble_agreement", "batch_nuclear_norm")
"""The criteria whose ranks are added up."""
CLUSTERED = 0.05
"""Class clustering below which a model's guesses have nothing to do with what lies together.

Of linear guesses on 800 examples of noise in a hundred or more dimensions it is .03 at most; a
hundred examples, or few dimensions, may have more, and are not told from a target by this."""


@dataclass(frozen=True)
class Choice:
    """Which model was chosen, and why.

    Attributes:
      name: of the chosen one; that of the source-only model means to keep it.
      keep: the source-only model's.
      values: of every criterion for every candidate.
      ranks: sum of the ranks of each candidate over the criteria of the rule, 1 being the best.
      sureness: the share of the comparisons with another candidate by a criterion of the rule that
        the chosen one wins, a tie being half of one: 1 where it is the best by all of them, a half
        where it is no better than the average.
      against: the criteria of the rule by which the source-only model is the better of the two.
      because: why the source-only model is kept though its ranks are not the best, if it is.
    """

    name: str
    keep: str
    values: Mapping[str, Mapping[str, float]]
    ranks: Mapping[str, float]
    sureness: float
    against: tuple[str, ...]
    because: str = ""

    @property
    def keeps_source(self) -> bool:
        """Whether the source-only model is to be kept."""
        return self.name == self.keep

    def __str__(self) -> str:
        """The choice in a sentence."""
        won = f"wins {self.sureness:.0%} of the comparisons by {', '.join(RULE)}"
        if self.keeps_source:
            return f"Keep the source-only model: {self.because or 'it ' + won}."
        if not self.against:
            return f"Take {self.name}: it {won}, none speaks for the source-only model."
        against = ", ".join(self.against)
        return f"Take {self.name}: it {won}; for the source-only model speaks {against}."


def choose(
    candidates: Mapping[str, Mapping[str, float]],
    *,
    keep: str = SOURCE_ONLY,
    rule: Sequence[str] = RULE,
) -> Choice:
    """Choose the candidate whose ranks by several criteria have the least sum, or do no harm.

    Single criteria have each their way to fail: a collapsed model may be confident, one that is
    alone with its guesses may cluster well, and those that agree may all be wrong. The source-only
    model is kept where that candidate is no better than it by most of the criteria, and where its
    guesses have nothing to do with the target's clusters (`CLUSTERED`): such a target may be noise.
    Where candidates are equal, the source-only model is kept, or else the first taken.

    Args:
      candidates: {name: {criterion: value}}, each with all criteria of the rule (see `CRITERIA`).
      keep: name of the source-only model, which is always a candidate.
      rule: the criteria whose ranks are added up; equal values share the mean of their ranks.

    Raises:
      ValueError: if the source-only model is none of the candidates, a criterion is unknown, or a
        value is missing or not finite.
    """
    if keep not in candidates:
        raise ValueError(
            f"candidates {', '.join(candidates) or 'none'}, without {keep!r}; expected the "
            "source-only model among them, for to keep it is a choice"
        )
    unknown = [criterion for criterion in rule if criterion not in CRITERIA]
    if unknown or not rule:
        raise ValueError(
            f"rule {list(rule)}; expected one or more criteria of {', '.join(CRITERIA)}"
        )
    names = list(candidates)
    # A row a criterion, the less the better.
    losses = np.array([[_loss(candidates, name, each) for name in names] for each in rule])
    beaten = (losses[:, :, None] < losses[:, None, :]).sum(axis=2)
    tied = (losses[:, :, None] == losses[:, None, :]).sum(axis=2) - 1
    wins = (beaten + tied / 2).sum(axis=0)
    ranks = len(rule) * len(names) - wins
    kept = names.index(keep)
    best, because = kept if ranks[kept] == ranks.min() else int(ranks.argmin()), ""
    clustered = candidates[names[best]].get("class_clustering", 1.0)
    better = int((losses[:, best] < losses[:, kept]).sum())
    if best != kept and clustered < CLUSTERED:
        because = (
            f"the guesses of {names[best]}, which was the best, have nothing to do with what lies "
            f"together in the target (class clustering {clustered:.2f})"
        )
    elif best != kept and 2 * better <= len(rule):
        because = f"{names[best]} is better than it by {better} of {len(rule)} criteria only"
    best = kept if because else best
    rivals = len(rule) * (len(names) - 1)
    return Choice(
        names[best],
        keep,
        {name: dict(values) for name, values in candidates.items()},
        dict(zip(names, ranks.tolist(), strict=True)),
        float(wins[best] / rivals) if rivals else 1.0,
        tuple(each for each, row in zip(rule, losses, strict=True) if row[kept] < row[best]),
        because,
    )


def _loss(candidates: Mapping[str, Mapping[str, float]], name: str, criterion: str) -> float:
    """A criterion's value, of which the lower is the better one."""
    value = candidates[name].get(criterion, np.nan)
    if not np.isfinite(value):
        raise ValueError(
            f"{criterion} of {name!r} is {value}; expected a finite number for every candidate. "
            "Leave out one that diverged"
        )
    return float(value) if CRITERIA[criterion] == "lower" else -float(value)
