"""What is doubtful about the images that a model was made of, for its page."""

from collections.abc import Callable

import numpy as np

from jtransfer.data.image_files import ImageFiles
from jtransfer.data.intake.duplicates import find_duplicates
from jtransfer.data.intake.look import look
from jtransfer.measure.label_doubt import doubt_labels
from jtransfer.measure.page import Duplicates, Sample

_DOUBTFUL, _GROUPS, _OF_A_GROUP = 24, 12, 6


def doubtful_labels(
    probabilities: np.ndarray, labels: np.ndarray, sample: Callable[[int], Sample]
) -> list[Sample]:
    """Images whose label the others doubt, by probabilities [n, classes] that did not see them."""
    suspects = doubt_labels(np.clip(probabilities, 0, 1), labels).suspects
    return [sample(row) for row in suspects[:_DOUBTFUL].tolist()]


def duplicated(
    files: ImageFiles, picture: Callable[[int], bytes | None], *, workers: int
) -> list[Duplicates]:
    """Images that are there twice, those of two classes first; every file is read once."""
    looked = look(files.paths, what=files.name, workers=max(1, workers))
    groups = [
        (each, sorted({files.classes[files.labels[row]] for row in each.rows}))
        for each in find_duplicates(looked)
    ]
    groups.sort(key=lambda group: -len(group[1]))
    return [
        Duplicates(
            [_named(files, row, picture) for row in each.rows[:_OF_A_GROUP]],
            exact=each.exact,
            why=f"in {' and '.join(classes)}" if len(classes) > 1 else "",
        )
        for each, classes in groups[:_GROUPS]
    ]


def _named(files: ImageFiles, row: int, picture: Callable[[int], bytes | None]) -> Sample:
    name = "/".join(files.paths[row].parts[-2:])
    return Sample(name, picture(row), files.classes[files.labels[row]])
