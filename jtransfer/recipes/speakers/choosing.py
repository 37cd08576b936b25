"""Settings for a speaker that none of the speaker's utterances has a part in."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from jtransfer.recipes.speakers.options import Setting
from jtransfer.recipes.speakers.task import Task
from jtransfer.transfer.finetuning.speaker import Method


class Adapts(Protocol):
    """What settings are chosen for, such as an `Adapter`."""

    def adapted(
        self, method: Method, tasks: Sequence[Task], settings: Sequence[Setting]
    ) -> list[float]:
        """Accuracy of every task after adaptation with its setting."""
        ...


def choose(
    adapter: Adapts,
    method: Method,
    tasks: Mapping[int, Sequence[Task]],
    settings: Sequence[Setting],
) -> dict[int, Setting]:
    """For each speaker the setting of the best mean accuracy on tasks of other speakers.

    Args:
      adapter: to adapt with.
      method: to choose for.
      tasks: for each speaker those of other speakers, whose nets do not know the first one either.
      settings: to choose from; among equals the first.
    """
    flat = [
        (speaker, task, place)
        for speaker, own in tasks.items()
        for task in own
        for place in range(len(settings))
    ]
    accuracies = adapter.adapted(
        method, [task for _, task, _ in flat], [settings[place] for _, _, place in flat]
    )
    totals = {speaker: np.zeros(len(settings)) for speaker in tasks}
    for (speaker, _, place), accuracy in zip(flat, accuracies, strict=True):
        totals[speaker][place] += accuracy
    return {speaker: settings[int(np.argmax(total))] for speaker, total in totals.items()}
