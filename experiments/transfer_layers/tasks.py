"""The data sets whose classes are split, and the nets that are used on them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jtransfer.data import images, load, require_same_classes
from jtransfer.nets.classifier import Classifier
from jtransfer.nets.small import DIGIT_SIZE, digit_net, sign_net
from jtransfer.recipes.finetuning.layers.halves import Halved


@dataclass(frozen=True)
class Task:
    """A data set and the net that is used on it.

    Attributes:
      data: name of the data set.
      size: side of the images in pixels.
      net: makes a net of so many classes.
      steps: of every net's training.
      seen: what was decided after a look at the test accuracy, for the report.
    """

    data: str
    size: int
    net: Callable[..., Classifier]
    steps: int
    seen: str


TASKS = {
    "digits": Task("sklearn:digits", DIGIT_SIZE, digit_net, 300, seen="nothing"),
    "signs": Task(
        "npz:gtsrb32",
        32,
        sign_net,
        1500,
        seen="the data set (signs, after a trial of 500 steps with one split beside one of MNIST's "
        "digits)",
    ),
}


def problem_of(task: Task, data_root: Path | None) -> Halved:
    """Load a task's data and fit the images to [n, size, size, channels].

    Raises:
      DataError: if a part is missing, or the two do not agree.
    """
    train, test = (load(task.data, split, data_root=data_root) for split in ("train", "test"))
    require_same_classes(train, test)
    channels = train.images.shape[-1]
    return Halved(*(images.fit(each, size=task.size, channels=channels) for each in (train, test)))
