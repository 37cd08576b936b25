"""Naming images of classes without an example, by a table of what is known of each class."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.image_files import ImageFiles
from jtransfer.data.intake.class_names import class_name
from jtransfer.data.intake.image_folder import ImageFolder
from jtransfer.data.sources.attributes import ClassTable, read_csv
from jtransfer.data.splits import stratified_folds
from jtransfer.nets.weights.download import cache_folder as default_cache_folder
from jtransfer.recipes.features.scaling import scaled
from jtransfer.recipes.own_folder.frozen_trunk import FrozenTrunk
from jtransfer.recipes.own_folder.intake import listed
from jtransfer.recipes.own_folder.naming import Named, name_by
from jtransfer.recipes.own_folder.pooled_features import OnUnreadable, pooled_features
from jtransfer.recipes.zero_shot.choice import choose
from jtransfer.recipes.zero_shot.methods import METHODS
from jtransfer.recipes.zero_shot.problem import Problem
from jtransfer.transfer.zero_shot.class_signatures import require_distinct

_FOLDS, _HELD_OUT = 4, 5


def name_by_attributes(
    folder: ImageFolder | Path | str,
    table: ClassTable | Path | str,
    seen: ImageFiles | Path | str,
    trunk: FrozenTrunk,
    *,
    classes: Sequence[str] | None = None,
    method: str = "eszsl",
    on_unreadable: OnUnreadable = "stop",
    workers: int = 2,
    cache_folder: Path | str | None = None,
) -> Named:
    """Name images of classes of which there is no image to learn from, only their attributes.

    A zero-shot method learns on other, seen classes what of a trunk's last layer goes with which
    attributes. Its setting is chosen on seen classes that are held out in turn (see `choose`): no
    image of the folder has a say.

    Args:
      folder: of the images to name, labelled or not.
      table: of attributes, a row for each class, seen or not, or its csv (`read_csv`); a missing
        value is taken as its attribute's mean.
      seen: with one folder of images for each seen class, four or more of them.
      trunk: whose last layer is read.
      classes: names to choose from; by default those of the table that are not seen.
      method: of `METHODS`, one in closed form: "eszsl", "dap", "iap" or "look_up".
      on_unreadable: "stop" at an image that cannot be read, or "skip" it.
      workers: processes that decode images; 0 decodes in this one.
      cache_folder: for features, as in `fit`.

    Raises:
      DataError: if the table, the seen images or the folder cannot be used, a class has no row, or
        there are too few seen classes to choose a setting on.
      ValueError: if the method is unknown, or the attributes do not tell the classes apart.
    """
    if method not in METHODS or METHODS[method].trained:
        closed = ", ".join(name for name, each in METHODS.items() if not each.trained)
        raise ValueError(f"no method {method!r} in closed form; expected one of {closed}")
    known = table if isinstance(table, ClassTable) else read_csv(table)
    examples = listed(seen)
    asked = [class_name(each) for each in classes or ()] or [
        each for each in known.classes if each not in examples.classes
    ]
    others = [name for name in examples.classes if name not in asked]
    if len(others) < _FOLDS:
        raise DataError(
            f"{examples.name} shows {len(others)} classes beside those to tell apart; expected at "
            f"least {_FOLDS}, for on these a setting is chosen. Add folders of other classes"
        )
    rows = known.filled().take([*others, *asked])
    require_distinct(rows.values[len(others) :], asked)
    cache = Path(cache_folder) if cache_folder else default_cache_folder() / "features"
    last = trunk.net.stage_names[-1]
    taken = pooled_features(
        trunk,
        examples,
        cache_folder=cache.expanduser(),
        layers=(last,),
        workers=workers,
        on_unreadable=on_unreadable,
    )
    numbers = np.array([others.index(name) if name in others else -1 for name in examples.classes])
    labels = numbers[examples.labels]
    used = np.flatnonzero(taken.present & (labels >= 0))
    problem = _problem(scaled(taken.layers[last][used]), labels[used], rows, len(others))
    folds = min(_FOLDS, len(others) // 2)
    choice = choose(problem, METHODS[method], folds=folds)
    every = np.arange(len(used))
    (fitted,), signatures = problem.fit(
        METHODS[method], [choice["setting"]], every, problem.seen, seed=0
    )
    right = choice["validation"]
    return name_by(
        lambda features: np.asarray(fitted.decision(scaled(features), signatures[problem.unseen])),
        trunk,
        folder,
        asked,
        how=(
            f"{METHODS[method].title} on {len(rows.attributes)} attributes, learned on "
            f"{len(others)} classes; on seen classes held out in turn it is right on {right:.1%}"
        ),
        on_unreadable=on_unreadable,
        workers=workers,
        cache_folder=cache_folder,
    )


def _problem(features: np.ndarray, labels: np.ndarray, table: ClassTable, seen: int) -> Problem:
    """The seen classes as the zero-shot recipes take them, whose rows come first."""
    parts = max(2, min(_HELD_OUT, int(np.bincount(labels, minlength=seen).min())))
    train, held = stratified_folds(labels, parts, seed=0, classes=table.classes[:seen])[0]
    numbers = np.arange(len(table.classes))
    return Problem(features, labels, (table,), numbers[:seen], numbers[seen:], train, held, parts)
