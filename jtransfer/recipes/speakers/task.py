"""What one adaptation is about: a speaker, some utterances, and a net that knows neither."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from jtransfer.data.utterances import Utterances, per_speaker_split


@dataclass(frozen=True)
class Task:
    """One speaker's utterances, drawn, and the net that does not know the speaker.

    Attributes:
      variables: of the speaker-independent net.
      adapt: positions to adapt on.
      test: positions to test on, none of which any number of utterances of the draw adapts on.
      seed: of the order and of dropout.
    """

    variables: Any
    adapt: np.ndarray
    test: np.ndarray
    seed: int

    @classmethod
    def draw(
        cls,
        utterances: Utterances,
        variables: Any,
        speaker: int,
        *,
        each: int,
        most: int,
        seed: int,
    ) -> "Task":
        """Draw `each` utterances a class; the same ones are tested for all numbers up to `most`.

        Raises:
          DataError: if the speaker has too few utterances of a class.
        """
        adapt, _ = per_speaker_split(utterances, speaker, each=each, seed=seed)
        _, test = per_speaker_split(utterances, speaker, each=most, seed=seed)
        return cls(variables, adapt, test, seed)
