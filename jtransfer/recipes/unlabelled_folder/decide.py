"""Which method on features to take, or none: decided without a label of the target."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from jtransfer.data.splits import stratified_folds
from jtransfer.measure.calibration import fit_temperature, probabilities_of, threshold_for
from jtransfer.measure.choice import Choice
from jtransfer.measure.intervals import Interval, mean_accuracy_interval
from jtransfer.recipes.adaptation.feature_choice import choose_feature_model
from jtransfer.recipes.adaptation.feature_methods import (
    SOURCE_ONLY,
    FeatureModel,
    fit_feature_methods,
)

_PARTS, _FEWEST = 5, 3  # one of so many parts of the source is held out


@dataclass(frozen=True, eq=False)
class Decision:
    """A method on features, and how it came to be chosen.

    Attributes:
      choice: with the criteria of every candidate.
      chosen: the method, fitted to all of the source.
      source: the source-only model, likewise.
      on_source: mean accuracy per class of every candidate on held-out source examples.
      seconds: that every candidate took.
      temperature: that the chosen one's scores are divided by, from the same examples.
      threshold: the probability of a guess from which on it has the precision on the source.
      held_out: how many examples these were.
    """

    choice: Choice
    chosen: FeatureModel
    source: FeatureModel
    on_source: Mapping[str, Interval]
    seconds: Mapping[str, float]
    temperature: float
    threshold: float
    held_out: int


def decide(
    source: np.ndarray,
    labels: np.ndarray,
    target: np.ndarray,
    classes: tuple[str, ...],
    *,
    methods: Iterable[str],
    precision: float,
    seed: int,
    tell: Callable[[str], None],
) -> Decision:
    """Fit the methods to four fifths of the source, choose by the last one and the target.

    What was chosen is fitted anew to all of the source.

    Args:
      source: features [n, dims].
      labels: of the source, [n]; three of each class or more.
      target: features [m, dims].
      classes: their names.
      methods: keys of `FEATURE_METHODS` to try beside source only.
      precision: share of right guesses among those that count as sure.
      seed: of what is held out, and of what the methods draw.
      tell: is told how far it is.

    Raises:
      DataError: naming the classes with too few examples.
      ValueError: if a method is unknown.
    """
    fewest = int(np.bincount(labels, minlength=len(classes)).min())
    parts = min(_PARTS, max(_FEWEST, fewest))
    fitted, held = stratified_folds(labels, parts, seed=seed, classes=classes)[0]
    models = fit_feature_methods(
        source[fitted],
        labels[fitted],
        target,
        classes=len(classes),
        methods=methods,
        seed=seed,
        tell=tell,
    )
    choice = choose_feature_model(
        models, source[held], labels[held], target, classes=len(classes), seed=seed
    )
    tell(str(choice))
    chosen = models[choice.name]
    scores = np.asarray(chosen.probe.decision(chosen.source_features(source[held])))
    temperature = fit_temperature(scores, labels[held])
    whole = fit_feature_methods(
        source,
        labels,
        target,
        classes=len(classes),
        methods=(choice.name,),
        seed=seed,
        tell=lambda _: None,
    )
    return Decision(
        choice,
        whole[choice.name],
        whole[SOURCE_ONLY],
        {
            name: _accuracy(model.source_probabilities(source[held]), labels[held])
            for name, model in models.items()
        },
        {name: model.seconds for name, model in models.items()},
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
