"""Whether moving the whole net is worth it, and how right it then is on images it did not see."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np

from jtransfer.data.image_files import ImageFiles
from jtransfer.measure.calibration import fit_temperature, log_loss
from jtransfer.measure.metrics import mean_per_class_accuracy
from jtransfer.recipes.own_folder.choice import Nested
from jtransfer.recipes.own_folder.estimate import Estimate, calibrated_by
from jtransfer.recipes.own_folder.estimate_by_halves import estimate_of_halves
from jtransfer.recipes.own_folder.intake import called
from jtransfer.recipes.own_folder.model import KeptFeatures, Model
from jtransfer.recipes.own_folder.whole_net import Budget, fine_tune_model

FineTune = Literal["auto", "no", "yes"]

_HELD = 0  # the fold that judges
_FEW = 20  # images of the smallest class, below which it is not tried unasked
_NOTHING_TO_GAIN = 0.01  # error of the probe
_LEARNED = 0.05  # training loss of a probe that has nothing left to learn from its images
_TURNED = 0.9  # share of its highest below which a loss that rose is falling again
_TINY = 1e-30


@dataclass(frozen=True, eq=False)
class Tuned:
    """What came of fine-tuning.

    Attributes:
      model: fine-tuned on all the images; None where the probe stays.
      judged: how right such a model is; None likewise.
      rows: positions of the images that it was judged on.
      features: of these, as its probe reads them.
      about: for `model.json`: whether it was done, why, and what was measured.
    """

    model: Model | None
    judged: Estimate | None
    rows: np.ndarray
    features: np.ndarray
    about: Mapping[str, Any]


def wanted(asked: FineTune, labels: np.ndarray, judged: Estimate) -> tuple[bool, str]:
    """Whether to fine-tune, and why.

    Args:
      asked: "auto" decides by the number of images, the probe's error and the device.
      labels: of the images.
      judged: the probe's estimate.
    """
    if asked == "no":
        return False, "The net was not fine-tuned: that was not asked for."
    if asked == "yes":
        return True, "Fine-tuning was tried, as asked."
    fewest, error = int(np.bincount(labels).min()), 1 - judged.accuracy.value
    if fewest < _FEW:
        why = f"the smallest class has {fewest} images, and it takes {_FEW} or more to gain by it"
    elif error < _NOTHING_TO_GAIN:
        why = f"an error of {error:.1%} leaves little to gain"
    elif jax.default_backend() == "cpu":
        why = "on a CPU it takes far longer than all the rest; --fine-tune yes does it all the same"
    else:
        return True, (
            f"Fine-tuning was tried: the probe errs on {error:.1%}, every class has {fewest} "
            f"images or more, and there is an accelerator."
        )
    return False, f"The net was not fine-tuned: {why}."


def not_tuned(why: str) -> Tuned:
    """Where it was not wanted."""
    nothing = np.empty(0, int)
    return Tuned(None, None, nothing, nothing, {"done": False, "why": why})


def fine_tuned(
    asked: FineTune,
    why: str,
    make: Callable[[int | None], Model],
    files: ImageFiles,
    nested: Nested,
    *,
    precision: float,
    steps: int | None,
    seed: int,
    workers: int,
    keep_features: bool,
    cache: Path,
) -> Tuned:
    """Fine-tune without a fold, judge on it beside the probe, then fine-tune on all the images.

    The fold is cut into halves. Each is judged by what the other one chose: the temperature, the
    threshold, and whether the net or the probe is the better one.

    Args:
      asked: "yes", or "auto"; where both are as good the one keeps the net, the other the probe.
      why: it is wanted, from `wanted`.
      make: the probe's model of all the images (None) or of those that are not in a fold.
      files: the images.
      nested: the choices.
      precision: to be kept by the sure guesses.
      steps: of each of the two runs; None for as many as `Budget.of` takes.
      seed: of the runs.
      workers: processes that decode images.
      keep_features: whether the model keeps the features of its images.
      cache: folder for checkpoints, which are removed by `forget`.

    Raises:
      DataError: if an image cannot be read.
      NonFiniteLossError: if the loss is not finite.
    """
    held = np.flatnonzero(nested.folds == _HELD)
    rest = files.take(np.flatnonzero(nested.folds != _HELD))
    labels = files.labels[held]
    start = make(_HELD)
    budget = Budget.of(start.trunk.name, len(rest), steps)
    folder = _folder(cache, files, budget, seed)
    common: dict[str, Any] = {"seed": seed, "workers": workers}
    tuned, losses = fine_tune_model(
        start,
        rest,
        budget,
        folder=folder / "held-out",
        what="fine-tuning, a fold held out",
        **common,
    )
    scores, features = _scores(tuned, files.take(held), workers)
    probe = nested.without[_HELD].scores[held, _HELD]
    measured = {
        "probe": _judged(probe, labels, len(files.classes)),
        "fine_tuned": _judged(scores, labels, len(files.classes)),
    }
    judged, takes = estimate_of_halves(
        scores, probe, labels, len(files.classes), precision, at_par=asked == "yes"
    )
    about = {
        "done": takes,
        "why": f"{why} {_told(budget, len(rest), measured, losses, takes)}",
        **asdict(budget),
        "training_loss": {"first": losses[0], "highest": max(losses), "last": losses[-1]},
        "held_out": measured,
    }
    if not takes:
        return replace(not_tuned(""), about=about)
    model, _ = fine_tune_model(
        make(None), files, budget, folder=folder / "all", what="fine-tuning on all images", **common
    )
    found = calibrated_by(scores, labels, precision)
    kept = None
    if keep_features:
        _, own = _scores(model, files, workers)
        names = tuple(called(path) for path in files.paths)
        kept = KeptFeatures(names, own.astype(np.float16))
    model = replace(model, temperature=found.temperature, threshold=found.threshold, kept=kept)
    return Tuned(model, judged, held, features, about)


def forget(cache: Path, files: ImageFiles) -> None:
    """Remove the checkpoints of a model that has been written."""
    shutil.rmtree(_place(cache, files), ignore_errors=True)


def _place(cache: Path, files: ImageFiles) -> Path:
    return cache / "fine-tuning" / files.fingerprint()


def _folder(cache: Path, files: ImageFiles, budget: Budget, seed: int) -> Path:
    text = json.dumps({**asdict(budget), "seed": seed}, sort_keys=True)
    return _place(cache, files) / hashlib.sha256(text.encode()).hexdigest()[:16]


def _scores(model: Model, files: ImageFiles, workers: int) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of the probabilities [n, classes], and the features."""
    said = [each for _, each in model.predict_files(files.paths, workers=workers)]
    probabilities = np.concatenate([each.probabilities for each in said])
    return (
        np.log(np.maximum(probabilities.astype(np.float64), _TINY)),
        np.concatenate([each.features for each in said]),
    )


def _judged(scores: np.ndarray, labels: np.ndarray, classes: int) -> dict[str, float]:
    return {
        "accuracy": mean_per_class_accuracy(scores.argmax(axis=1), labels, classes),
        "log_loss": log_loss(scores, labels, fit_temperature(scores, labels)),
    }


def _told(
    budget: Budget,
    images: int,
    measured: Mapping[str, Mapping[str, float]],
    losses: Sequence[float],
    takes: bool,
) -> str:
    """What came of the first run, which of the two is kept, and why it did not learn more."""
    probe, tuned = measured["probe"], measured["fine_tuned"]
    times = budget.steps * budget.batch / images
    said = (
        f"Of {budget.steps:,} steps from the probe on, {times:.1f} times through the images, it is "
        f"right on {tuned['accuracy']:.3f} of the fold that was held out; the probe on "
        f"{probe['accuracy']:.3f}."
    )
    said += f" {_of_learning(losses)}" if losses[-1] >= losses[0] else ""
    if takes:
        return f"{said} So the fine-tuned net is kept."
    if losses[-1] < losses[0]:
        said += " More --steps may change that, or there is nothing to gain."
    return f"{said} So the probe stays."


def _of_learning(losses: Sequence[float]) -> str:
    """Why a training loss did not fall."""
    first, last, highest = losses[0], losses[-1], max(losses)
    moved = f"the training loss went from {first:.3f} to {last:.3f}"
    if max(first, last) < _LEARNED:
        return f"There was nothing to learn: {moved}, which is next to none."
    if last < _TURNED * highest:
        return (
            f"It was too short to learn: {moved} and was falling again, from {highest:.3f}, when "
            "it ended. Give it more --steps."
        )
    return (
        f"It got worse: {moved} and was not falling when it ended. Its first steps lead away from "
        "the probe; many more --steps may lead back."
    )
