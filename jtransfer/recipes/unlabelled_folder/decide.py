"""Which method to take, or none: decided without a label of the target."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from jtransfer.data.splits import stratified_folds
from jtransfer.measure.calibration import fit_temperature, probabilities_of, threshold_for
from jtransfer.measure.choice import Choice
from jtransfer.measure.intervals import Interval, mean_accuracy_interval
from jtransfer.recipes.adaptation.feature_choice import Candidate, choose_candidate
from jtransfer.recipes.adaptation.feature_methods import (
    SOURCE_ONLY,
    fit_feature_methods,
    needed_for,
)
from jtransfer.recipes.adaptation.feature_models import FeatureClassifier
from jtransfer.recipes.unlabelled_folder.trained import TrainedNet

_PARTS, _FEWEST = 5, 3  # one of so many parts of the source is held out


@dataclass(frozen=True, eq=False)
class Decision:
    """A method, and how it came to be chosen.

    Attributes:
      choice: with the criteria of every candidate.
      chosen: the method, on features fitted to all of the source; a net that was trained has not
        seen what was held out.
      net: that net, if it is one.
      source: the source-only model, fitted to all of the source.
      on_source: mean accuracy per class of every candidate on held-out source examples.
      seconds: that every candidate took.
      temperature: that the chosen one's scores are divided by, from the same examples.
      threshold: the probability of a guess from which on it has the precision on the source.
      held_out: how many examples these were.
    """

    choice: Choice
    chosen: FeatureClassifier
    net: TrainedNet | None
    source: FeatureClassifier
    on_source: Mapping[str, Interval]
    seconds: Mapping[str, float]
    temperature: float
    threshold: float
    held_out: int

    def given(self, source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both domains' features that the chosen one reads: these, or those of its own net."""
        return (source, target) if self.net is None else (self.net.source, self.net.target)


def parts_of(
    labels: np.ndarray, classes: tuple[str, ...], *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Positions of source examples to learn from, and of a fifth (or a third) that is held out.

    Raises:
      DataError: naming the classes with fewer than three examples.
    """
    fewest = int(np.bincount(labels, minlength=len(classes)).min())
    parts = min(_PARTS, max(_FEWEST, fewest))
    return stratified_folds(labels, parts, seed=seed, classes=classes)[0]


def decide(
    source: np.ndarray,
    labels: np.ndarray,
    target: np.ndarray,
    classes: tuple[str, ...],
    *,
    methods: Sequence[str],
    trained: Mapping[str, TrainedNet],
    precision: float,
    seed: int,
    tell: Callable[[str], None],
) -> Decision:
    """Fit the methods to four fifths of the source, choose by the last one and the target.

    What was chosen is fitted anew to all of the source, if it is no net that was trained.

    Args:
      source: features [n, dims].
      labels: of the source, [n]; three of each class or more.
      target: features [m, dims].
      classes: their names.
      methods: keys of `FEATURE_METHODS` to try beside source only.
      trained: nets to try beside these, trained on the first of `parts_of`.
      precision: share of right guesses among those that count as sure.
      seed: of what is held out, and of what the methods draw.
      tell: is told how far it is.

    Raises:
      DataError: naming the classes with too few examples.
      ValueError: if a method is unknown.
    """
    fitted, held = parts_of(labels, classes, seed=seed)
    models = fit_feature_methods(
        source[fitted],
        labels[fitted],
        target,
        classes=len(classes),
        methods=methods,
        seed=seed,
        tell=tell,
    )
    candidates = {name: Candidate(each, source[held], target) for name, each in models.items()}
    for name, each in trained.items():
        candidates[name] = Candidate(each.model, each.source[held], each.target)
    choice = choose_candidate(candidates, labels[held], classes=len(classes), seed=seed)
    tell(str(choice))
    chosen, net = candidates[choice.name], trained.get(choice.name)
    scores = chosen.model.source_scores(chosen.held_out)
    temperature = fit_temperature(scores, labels[held])
    if net is None and not choice.keeps_source:
        tell(f"{choice.name} is fitted to all of the source")
    whole = fit_feature_methods(
        source,
        labels,
        target,
        classes=len(classes),
        methods=needed_for(choice.name, methods) if net is None else (),
        seed=seed,
        tell=lambda _: None,
    )
    return Decision(
        choice,
        whole[choice.name] if net is None else net.model,
        net,
        whole[SOURCE_ONLY],
        {
            name: _accuracy(each.model.source_probabilities(each.held_out), labels[held])
            for name, each in candidates.items()
        },
        {name: each.model.seconds for name, each in candidates.items()},
        temperature,
        threshold_for(probabilities_of(scores, temperature), labels[held], precision),
        len(held),
    )


def _accuracy(probabilities: np.ndarray, labels: np.ndarray) -> Interval:
    classes = probabilities.shape[1]
    right = probabilities.argmax(axis=1) == labels
    return mean_accuracy_interval(
        np.bincount(labels, right, minlength=classes), np.bincount(labels, minlength=classes)
    )
