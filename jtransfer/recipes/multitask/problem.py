"""Images with the labels of several tasks, of which one may be known for few."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.splits import per_class_split
from jtransfer.recipes.multitask.task import Task
from jtransfer.train.fingerprints import fingerprint


@dataclass(frozen=True, eq=False)
class Problem:
    """Images and the labels of every task.

    Attributes:
      train: to train on: `image` [n, height, width, channels] uint8, and each task's labels [n]
        under its name.
      test: to test on, the same.
      tasks: name of each task to what it is.
      scarce: the task of classes whose labels may be known for few images; None for none.

    Raises:
      DataError: if images or a task's labels are missing, or not as many as there are images.
    """

    train: Mapping[str, np.ndarray]
    test: Mapping[str, np.ndarray]
    tasks: Mapping[str, Task]
    scarce: str | None = None

    def __post_init__(self):
        """Check that every task has its labels."""
        for split, fields in (("train", self.train), ("test", self.test)):
            lacking = [name for name in ("image", *self.tasks) if name not in fields]
            if lacking:
                raise DataError(
                    f"{split} has no {', '.join(lacking)}; expected images under 'image' and the "
                    "labels of every task under its name. Add them, or leave the task out"
                )
            lengths = {name: len(fields[name]) for name in ("image", *self.tasks)}
            if len(set(lengths.values())) != 1:
                raise DataError(f"{split} has {lengths}; expected a label of each task an image")
        if self.scarce is not None and self.scarce not in self.tasks:
            raise DataError(
                f"the scarce task {self.scarce!r} is none of {', '.join(self.tasks)}; expected one "
                "of them, or None"
            )

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with any image or label."""
        names = ("image", *self.tasks)
        arrays = [np.asarray(fields[name]) for fields in (self.train, self.test) for name in names]
        return fingerprint(names, *arrays)

    def sets(self, tasks: Sequence[str], known: int, seed: int) -> dict[str, dict[str, Any]]:
        """What is trained on: the images whose scarce label is known, and the others.

        Args:
          tasks: that are learned.
          known: images a class whose scarce label is known; 0 for all.
          seed: of which ones.

        Returns:
          "known", and "others" where there are tasks that learn from them: fields for `MixedFeed`.
        """
        fields = {name: self.train[name] for name in ("image", *tasks)}
        if known == 0 or self.scarce is None or self.scarce not in tasks:
            return {"known": fields}
        few, others = per_class_split(self.train[self.scarce], train=known, seed=seed)
        sets = {"known": {name: values[few] for name, values in fields.items()}}
        if len(tasks) > 1:
            fields.pop(self.scarce)
            sets["others"] = {name: values[others] for name, values in fields.items()}
        return sets
