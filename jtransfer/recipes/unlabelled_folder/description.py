"""What there is to say of an adapted model, as `model.json` keeps it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jtransfer.data.image_files import ImageFiles
from jtransfer.measure.intervals import Interval
from jtransfer.recipes.unlabelled_folder.decide import Decision
from jtransfer.recipes.unlabelled_folder.target_table import Guessed
from jtransfer.recipes.unlabelled_folder.unlabelled import Unlabelled
from jtransfer.train.provenance import provenance


@dataclass(frozen=True, eq=False)
class Domains:
    """The images that a model was made of.

    Attributes:
      source: labelled.
      target: not.
      source_features: [n, dims] of the net's layer that is adapted.
      target_features: [m, dims].
      source_unread: names of source images that could not be read.
      target_unread: the same of target images.
    """

    source: ImageFiles
    target: Unlabelled
    source_features: np.ndarray
    target_features: np.ndarray
    source_unread: Sequence[str]
    target_unread: Sequence[str]


def described(
    domains: Domains, decision: Decision, guessed: Guessed, settings: dict[str, Any]
) -> dict[str, Any]:
    """Choice, guesses, data, settings and versions as JSON has them.

    There is no estimate of the accuracy on the target: without labels nobody knows it.
    """
    choice, classes = decision.choice, guessed.classes
    counts = np.bincount(guessed.guesses, minlength=len(classes)).tolist()
    return {
        "choice": {
            "method": choice.name,
            "keeps_source": choice.keeps_source,
            "sureness": choice.sureness,
            "why": str(choice),
            "same_guess_as_source": float((guessed.guesses == guessed.source).mean()),
            "candidates": {
                name: {
                    **choice.values[name],
                    "agreed": name in choice.agreed,
                    "source_accuracy": _interval(decision.on_source[name]),
                    "seconds": round(decision.seconds[name], 2),
                }
                for name in choice.ordered()
            },
        },
        "source_estimate": {
            "measure": "mean accuracy per class on held-out source images",
            "accuracy": _interval(decision.on_source[choice.name]),
            "images": decision.held_out,
        },
        "target": {
            "images": len(guessed.names),
            "guesses": dict(zip(classes, counts, strict=True)),
            "unsure": float((guessed.confidence < guessed.threshold).mean()),
            "to_check": len(guessed.sample),
        },
        "data": {
            "source": domains.source.name,
            "target": domains.target.files.name,
            "images": dict(
                zip(
                    classes,
                    np.bincount(domains.source.labels, minlength=len(classes)).tolist(),
                    strict=True,
                )
            ),
            "passed_over": [*domains.source_unread, *domains.target_unread],
        },
        "settings": settings,
        "made_by": provenance(),
    }


def _interval(each: Interval) -> dict[str, float]:
    return each._asdict()
