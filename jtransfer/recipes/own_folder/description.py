"""What there is to say of a model, as `model.json` keeps it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jtransfer.data.image_files import ImageFiles
from jtransfer.measure.calibration import Reliability
from jtransfer.measure.intervals import Interval
from jtransfer.recipes.own_folder.choice import Nested
from jtransfer.recipes.own_folder.estimate import Estimate
from jtransfer.recipes.own_folder.model import Model
from jtransfer.train.provenance import provenance


def described(
    files: ImageFiles,
    nested: Nested,
    judged: Estimate,
    model: Model,
    settings: dict[str, Any],
    passed_over: Sequence[str],
    fine_tuning: Mapping[str, Any],
    test: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Estimate, choice, data, settings and versions as JSON has them.

    Args:
      files: the images that were used.
      nested: the choices.
      judged: the estimate.
      model: that was made.
      settings: of the call.
      passed_over: files that could not be read.
      fine_tuning: whether the net was fine-tuned, why, and what was measured.
      test: what `judge_test` says; None where the folder has no test images.
    """
    best = nested.whole.candidate
    totals = np.bincount(files.labels, minlength=len(files.classes)).tolist()
    return {
        "estimate": {
            "measure": "mean accuracy per class",
            "accuracy": _interval(judged.accuracy),
            "how": judged.how,
            "remaining_error": round(judged.remaining, 4),
            "classes": {
                name: {**_interval(each), "images": count}
                for name, each, count in zip(
                    files.classes, judged.of_classes, judged.counts, strict=True
                )
            },
            "calibration_error": {"before": judged.before.error, "after": judged.after.error},
            "reliability": {
                "before": _reliability(judged.before),
                "after": _reliability(judged.after),
            },
            "sure": {
                "precision_asked": settings["precision"],
                "precision": None if judged.precision is None else _interval(judged.precision),
                "share": judged.sure,
                "threshold": model.threshold,
            },
        },
        "test": test,
        "choice": {
            "trunk": best.trunk,
            "layer": best.layer,
            "probe": best.probe,
            "balanced": best.balanced,
            "penalty": best.penalty,
            "why": why(nested),
            "fine_tuning": dict(fine_tuning),
            "tried": [
                {
                    "trunk": each.candidate.trunk,
                    "layer": each.candidate.layer,
                    "probe": each.candidate.probe,
                    "balanced": each.candidate.balanced,
                    "penalty": each.candidate.penalty,
                    "accuracy": each.accuracy,
                    "seconds": round(each.seconds, 2),
                }
                for each in nested.tried
            ],
        },
        "data": {
            "name": files.name,
            "images": dict(zip(files.classes, totals, strict=True)),
            "fingerprint": settings["fingerprint"],
            "passed_over": list(passed_over),
        },
        "settings": settings,
        "made_by": provenance(),
    }


def why(nested: Nested) -> str:
    """Why one of the candidates was chosen, in a sentence or two."""
    best = nested.whole
    leader = max(nested.tried, key=lambda each: each.accuracy)
    said = f"{best.candidate} is right on {best.accuracy:.3f} by cross-validation"
    if str(leader.candidate) != str(best.candidate):
        said += f", within a standard error of {leader.candidate} ({leader.accuracy:.3f})"
    said += ", and has the lowest log loss of those as good"
    agreeing = sum(str(each.candidate) == str(best.candidate) for each in nested.without)
    said += f". It is also the choice without {agreeing} of {len(nested.without)} folds."
    return " ".join([said, *(f"{each[0].upper()}{each[1:]}." for each in nested.left_out)])


def _interval(each: Interval) -> dict[str, float]:
    return {name: round(value, 4) for name, value in each._asdict().items()}


def _reliability(each: Reliability) -> list[dict[str, float]]:
    columns = (each.confidence.tolist(), each.accuracy.tolist(), each.count.tolist())
    return [
        {"confidence": round(confidence, 4), "accuracy": round(accuracy, 4), "count": count}
        for confidence, accuracy, count in zip(*columns, strict=True)
    ]
