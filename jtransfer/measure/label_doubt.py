"""Which labels the other examples speak against: confident learning.

Northcutt, Jiang & Chuang, "Confident learning: estimating uncertainty in dataset labels", JAIR 70
(2021), sections 3.1 and 3.2.
"""

from dataclasses import dataclass

import numpy as np

_ROUNDING = 1e-6  # of probabilities that are equal to their class's threshold


@dataclass(frozen=True, eq=False)
class LabelDoubt:
    """What n probabilities say of as many labels.

    Attributes:
      guesses: [n] int32, the likeliest class.
      margins: [n], probability of the given label less that of the likeliest other class, -1 to 1:
        the lower, the more doubtful.
      suspects: positions of the labels that are doubted, the most doubtful first.
      thresholds: [classes], mean probability of a class among the examples of that label; NaN for a
        class without any.
    """

    guesses: np.ndarray
    margins: np.ndarray
    suspects: np.ndarray
    thresholds: np.ndarray

    def order(self) -> np.ndarray:
        """All n positions, suspects first, both by their margins."""
        others = np.setdiff1d(np.arange(len(self.margins)), self.suspects)
        return np.concatenate([self.suspects, others[_by(self.margins[others])]])


def doubt_labels(probabilities: np.ndarray, labels: np.ndarray) -> LabelDoubt:
    """Find the labels that speak against what a model thinks of their examples.

    An example counts as of class j if p_j >= t_j, where t_j is the mean of p_j over the examples of
    label j (equation 2); of several such classes as of the likeliest (equation 1). Thresholds of
    their own make up for classes that the model is surer of than of others. The share of a label's
    examples that count as of other classes says how many of that label are wrong, those that do not
    count at all among them (equation 3): as many are suspects, the ones of lowest p for their label
    ("prune by class"), as far as another class is likelier.

    Args:
      probabilities: [n, classes] of models that did not see the example's label, such as by
        cross-validation.
      labels: [n] integers.

    Raises:
      ValueError: if shapes differ, or a probability is none.
    """
    probabilities = np.asarray(probabilities, np.float64)
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1] or not len(labels):
        raise ValueError(
            f"probabilities {probabilities.shape} and labels {labels.shape}; expected [n, classes] "
            "and [n], at least one"
        )
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise ValueError("a probability is below 0, above 1 or no number; expected 0 to 1")
    n, classes = probabilities.shape
    rows = np.arange(n)
    given = probabilities[rows, labels]
    counts = np.bincount(labels, minlength=classes)
    with np.errstate(invalid="ignore"):
        thresholds = np.bincount(labels, given, minlength=classes) / counts
    confident = probabilities >= thresholds[None] - _ROUNDING  # never of a class without examples
    counted = np.where(confident, probabilities, -1.0).argmax(axis=1)
    others = np.where(counts[None] > 0, probabilities, -1.0)  # no class that nobody has
    likeliest = others.argmax(axis=1)
    counts_at_all = np.asarray(confident.any(axis=1))
    suspects = []
    for label in np.flatnonzero(counts):
        of_label = rows[labels == label]
        counting = counted[of_label][counts_at_all[of_label]]
        if counting.size:
            wrong = round(float((counting != label).mean()) * len(of_label))
            suspects.append(of_label[np.argsort(given[of_label], kind="stable")[:wrong]])
    suspects = np.concatenate([np.empty(0, int), *suspects])
    suspects = suspects[likeliest[suspects] != labels[suspects]]
    others[rows, labels] = -1.0
    margins = given - others.max(axis=1)
    return LabelDoubt(
        likeliest.astype(np.int32),
        margins,
        suspects[_by(margins[suspects])],
        thresholds,
    )


def _by(margins: np.ndarray) -> np.ndarray:
    return np.argsort(margins, kind="stable")
