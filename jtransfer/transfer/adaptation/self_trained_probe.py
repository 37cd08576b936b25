"""Class-balanced self-training of a linear classifier on features (after Zou et al., ECCV 2018)."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import numpy as np

from jtransfer.transfer.adaptation.class_balance import surest_of_each_class
from jtransfer.transfer.adaptation.subspace import require_domains
from jtransfer.transfer.features.probe import LinearProbe, fit_softmax


@dataclass(frozen=True)
class SelfTrained:
    """A classifier that learned from its own guesses.

    Attributes:
      probe: after the last round.
      joined: target examples that joined the source in each round.
    """

    probe: LinearProbe
    joined: tuple[int, ...]


def fit_self_trained(
    source: np.ndarray,
    labels: np.ndarray,
    target: np.ndarray,
    C: float,
    *,
    classes: int,
    shares: Sequence[float] = (0.2, 0.35, 0.5),
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

    Raises:
      ValueError: if the features, labels, C or a share cannot be used.
    """
    require_domains(source, target)
    probe = fit_softmax(source, labels, C, classes=classes)
    both, joined = np.concatenate([source, target]), []
    learned = np.ones(len(both), bool)
    for share in shares:
        guesses = np.asarray(jax.nn.softmax(probe.decision(target)))
        taken = surest_of_each_class(guesses, share)
        joined.append(len(taken))
        learned[len(source) :] = False
        learned[len(source) + taken] = True
        labelled = np.concatenate([labels, guesses.argmax(axis=1)])
        # Those left out are there too: however many join, it is compiled once.
        probe = fit_softmax(both, labelled, C, classes=classes, learned=learned)
    return SelfTrained(probe, tuple(joined))
