"""A net that learns attributes and names combinations it never saw, kept in a run's folder."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jtransfer.data.examples import Examples
from jtransfer.data.splits import stratified_folds
from jtransfer.measure.attribute_sheet import attribute_sheet_figure
from jtransfer.nets.classifier import Classifier
from jtransfer.recipes.zero_shot.attribute_classes import AttributeClasses
from jtransfer.recipes.zero_shot.attribute_judging import choose_rule, judge_attributes
from jtransfer.recipes.zero_shot.attribute_net import Training, train_attribute_net
from jtransfer.train.fingerprints import fingerprint
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.run_log import RunLog

SHEET_COLUMNS = 8


def run_attribute_net(
    classes: AttributeClasses,
    net: Classifier,
    train: Examples,
    test: Examples,
    path: Path | str,
    *,
    training: Training | None = None,
    held_out: int = 10,
    seed: int = 0,
    identity: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Train, choose, judge and draw from one seed, or what an earlier call measured.

    Args:
      classes: which are which; the images' labels are rows of its table.
      net: with an output for each attribute, group after group.
      train: images of the seen classes, those of `classes.known` and `classes.validation`.
      test: images of known and of unseen classes.
      path: the run's folder: `result.json`, `metrics.jsonl` and `unseen.png`, what is told about
        unseen images and what of it is wrong.
      training: how long and how fast.
      held_out: one of so many parts of each known class's images is to choose by.
      seed: of initial parameters and order.
      identity: written into config and result, beside the settings; say here what the run is of.

    Returns:
      What `result.json` holds, of `choose_rule` and `judge_attributes` among it.

    Raises:
      DataError: if a known class has fewer training images than there are parts.
      RunFolderError: if the folder holds a run with other settings.
    """
    training = training or Training()
    settings = {
        **(identity or {}),
        "seed": seed,
        "held_out": held_out,
        "steps": training.steps,
        "batch": training.batch,
        "rate": training.learning_rate,
        "known": len(classes.known),
        "validation_classes": len(classes.validation),
        "unseen": len(classes.unseen),
        "fingerprints": {
            "train": train.fingerprint(),
            "test": test.fingerprint(),
            "classes": fingerprint(
                classes.table.values, classes.known, classes.validation, classes.unseen
            ),
        },
    }
    folder = RunFolder(path, settings)
    result = folder.result()
    if result is not None:
        print(f"{folder.path.name}: finished before")
        return result
    began = time.perf_counter()
    known = np.flatnonzero(np.isin(train.labels, classes.known))
    kept, held = (
        known[part] for part in stratified_folds(train.labels[known], held_out, seed=0)[0]
    )
    name = f"attributes, seed {seed}"
    with RunLog(folder.metrics_file, name=name, total_steps=training.steps) as log:
        probabilities = train_attribute_net(
            net,
            train.images[kept],
            classes.places[train.labels[kept]],
            classes.sizes,
            training=training,
            seed=seed,
            log=log,
        )
    choice = choose_rule(classes, train, probabilities(train.images), held)
    predicted = probabilities(test.images)
    judged = judge_attributes(classes, test, predicted, choice)
    unseen = np.flatnonzero(np.isin(test.labels, classes.unseen))
    draw_sheet(classes, test.take(unseen), predicted[unseen], folder.path / "unseen.png")
    seconds = round(time.perf_counter() - began, 1)
    return folder.write_result({**settings, **choice, **judged, "seconds": seconds})


def draw_sheet(
    classes: AttributeClasses, unseen: Examples, predicted: np.ndarray, path: Path
) -> None:
    """Draw some images of unseen classes, and some of those with a wrong attribute.

    Args:
      classes: which are which.
      unseen: images of unseen classes.
      predicted: probabilities of their attributes, [n, attributes].
      path: of the picture.
    """
    names = list(classes.groups.values())
    words, true = (
        np.array([[names[at][place] for at, place in enumerate(row)] for row in places])
        for places in (classes.told(predicted), classes.places[unseen.labels])
    )
    wrong = np.flatnonzero((words != true).any(axis=1))
    share = len(wrong) / len(unseen)
    shown = {
        "the first images": np.arange(min(2 * SHEET_COLUMNS, len(unseen))),
        f"with a wrong attribute: {share:.1%} of all": wrong[:SHEET_COLUMNS],
    }
    attribute_sheet_figure(
        {
            name: (unseen.images[each], words[each], true[each])
            for name, each in shown.items()
            if len(each)
        },
        path,
        columns=SHEET_COLUMNS,
        title="Combinations that no training image showed, and the attributes they are told by",
    )
