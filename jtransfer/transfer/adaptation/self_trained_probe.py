"""Class-balanced self-training of a linear classifier on features (after Zou et al., ECCV 2018)."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import numpy as np

from jtransfer.transfer.adaptation.class_balance import surest_of_each_class
from jtransfer.transfer.adaptation.standardisation import Scale, Standardisation
from jtransfer.transfer.adaptation.subspace import require_domains
from jtransfer.transfer.features.probe import LinearProbe, fit_softmax


@dataclass(frozen=True)
class SelfTrained:
    """A classifier that learned from its own guesses.

    Attributes:
      probe: after the last round.
      joined: target examples that joined the source in each round.
      alignment: of the features before the probe, if they are standardised.
    """

    probe: LinearProbe
    joined: tuple[int, ...]
    alignment: Standardisation | None = None


def fit_self_trained(
    source: np.ndarray,
    labels: np.ndarray,
    target: np.ndarray,
    C: float,
    *,
    classes: int,
    shares: Sequence[float] = (0.2, 0.35, 0.5),
    guesses: np.ndarray | None = None,
    standardised: bool = False,
) -> SelfTrained:
    """Fit a softmax to the source, then, again and again, to the source and its surest guesses.

    In each round the surest share of the guesses of each class joins the source, with the guess for
    a label; those of the round before are left. The paper begins with a fifth and ends with half,
    by steps of a twentieth; three rounds go as far here.

    Args:
      source: [n, dims].
      labels: of the source, [n].
      target: [m, dims].
      C: weight of the loss, as in `fit_softmax`.
      classes: how many there are.
      shares: of the guesses of each class, one a round.
      guesses: class probabilities of the target to begin with, [m, classes], such as those of
        several models together; by default those of a softmax on the source.
      standardised: whether each domain is standardised by itself, the source in every round as if
        its classes were as frequent as they are guessed in the target. (Not in the paper: equal
        means alone would move a target that has other classes, or others more often, too far.)

    Raises:
      ValueError: if the features, labels, C, a share or the guesses cannot be used.
    """
    require_domains(source, target)
    if not shares:
        raise ValueError("no shares; expected one a round, such as (0.2, 0.35, 0.5)")
    if guesses is None:
        guesses = _guesses(fit_softmax(source, labels, C, classes=classes), target)
    if guesses.shape != (len(target), classes):
        raise ValueError(
            f"guesses of shape {guesses.shape}; expected probabilities of {classes} classes for "
            f"{len(target):,} target examples, ({len(target)}, {classes})"
        )
    of_target = Scale.of(target) if standardised else None
    both, alignment = np.concatenate([source, target]), None
    probes: list[LinearProbe] = []
    joined: list[int] = []
    learned = np.ones(len(both), bool)
    for share in shares:
        taken = surest_of_each_class(guesses, share)
        joined.append(len(taken))
        learned[len(source) :] = False
        learned[len(source) + taken] = True
        guessed = guesses.argmax(axis=1)
        if of_target is not None:
            weights = _as_frequent(labels, guessed, classes)
            alignment = Standardisation(Scale.of(source, weights), of_target)
            both = np.concatenate([alignment.source(source), alignment.target(target)])
        # Those left out are there too: however many join, it is compiled once.
        labelled = np.concatenate([labels, guessed])
        probes.append(fit_softmax(both, labelled, C, classes=classes, learned=learned))
        guesses = _guesses(probes[-1], both[len(source) :])
    return SelfTrained(probes[-1], tuple(joined), alignment)


def _as_frequent(labels: np.ndarray, guessed: np.ndarray, classes: int) -> np.ndarray | None:
    """Weights of the source's examples with which its classes are as frequent as the guesses."""
    own, other = (np.bincount(each, minlength=classes) for each in (labels, guessed))
    weights = (other / np.maximum(own, 1))[labels]
    return weights if weights.any() else None


def _guesses(probe: LinearProbe, target: np.ndarray) -> np.ndarray:
    return np.asarray(jax.nn.softmax(probe.decision(target)))
