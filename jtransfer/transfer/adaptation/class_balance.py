"""Which guesses to take for labels: the surest of each class."""

import numpy as np

from jtransfer.measure.selection import class_probabilities


def surest_of_each_class(probabilities: np.ndarray, share: float) -> np.ndarray:
    """Positions of the surest guesses of every class, ascending.

    Of the examples that a class is guessed of, the `share` with the largest probability, rounded
    up; so each class that is guessed at all is taken as often as it is guessed, times the share,
    however unsure all its guesses are (Zou, Yu, Vijaya Kumar & Wang, ECCV 2018, section 4.2).

    Args:
      probabilities: of the classes, [n, classes].
      share: of the guesses of each class, above 0 and at most 1.

    Raises:
      ValueError: if a row is no distribution, or the share not within its bounds.
    """
    rows = class_probabilities(probabilities)
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; expected a number above 0 and at most 1, such as 0.2")
    guesses, sureness = rows.argmax(axis=1), rows.max(axis=1)
    taken = []
    for guess in np.unique(guesses):
        own = np.flatnonzero(guesses == guess)
        count = int(np.ceil(share * len(own) - 1e-9))
        taken.append(own[np.argsort(-sureness[own], kind="stable")[:count]])
    return np.sort(np.concatenate(taken))
