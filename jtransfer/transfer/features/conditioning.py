"""Features moved and scaled so that a linear model of them can be solved, the problem unchanged.

Neither the unit of the features nor what all of them have in common should cost digits, and both
can be taken out exactly. With x = s x', the weights w = w' / s and a weight C' = s^2 C of the loss,
s^2 times the objective |w|^2 / 2 + C loss is |w'|^2 / 2 + C' loss. Where the bias b is free, the
mean m goes into it: w x + b = w (x - m) + (b + w m). Where it is penalised as the weight of a
feature that is 1, what (x, 1) has along its mean is taken for the bias: v, whose feature is 1 on
average and whose penalty is 1 / |(m, 1)|^2.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

# Of the mean's length and the spread's: a shorter mean leaves enough digits where it is.
_FAR = 10.0
_ROWS = 4096  # in double precision at a time


@dataclass(frozen=True, eq=False)
class Design:
    """Features, the last of which is the bias's.

    Attributes:
      values: [n, dims] float64.
      ridge: penalty of each weight, ridge w^2 / 2: [dims]. That of the bias may be 0: it is free.
    """

    values: np.ndarray
    ridge: np.ndarray

    @property
    def rank(self) -> int:
        """The most dimensions that there can be."""
        return min(len(self.values) + 1, len(self.ridge))

    @cached_property
    def gram(self) -> np.ndarray:
        """Products [dims, dims] of every two features."""
        return self.values.T @ self.values

    @cached_property
    def kernel(self) -> np.ndarray:
        """Products [n, n] of every two examples, each weight over its ridge."""
        return (self.values / self.ridge) @ self.values.T

    @cached_property
    def reduced(self) -> tuple["Design", np.ndarray]:
        """Of fewer examples than features: along axes that they span, and these [dims, n + 1]."""
        n, dims = self.values.shape
        axes, coordinates = np.linalg.qr(self.values[:, :-1].T)
        turn = np.zeros((dims, n + 1))
        turn[:-1, :n], turn[-1, n] = axes, 1
        ridge = np.append(np.ones(n), self.ridge[-1])
        return Design(np.hstack([coordinates.T, self.values[:, -1:]]), ridge), turn


@dataclass(frozen=True, eq=False)
class Conditioning:
    """How features become those of an equivalent problem, of length about 1.

    Attributes:
      scale: s; the C of the loss becomes C s^2.
      shift: the mean that is taken out, [dims]; 0 where it is left.
      turned: whether the bias is what (x, 1) has along its mean.
      ridge: penalty of the bias.
    """

    scale: float
    shift: np.ndarray
    turned: bool
    ridge: float

    @classmethod
    def of(cls, features: np.ndarray, *, free_bias: bool) -> "Conditioning":
        """For finite features [n, dims] of a model whose bias is free, or penalised."""
        mean, plain = _mean(features), np.zeros(features.shape[1])
        if free_bias:
            return cls(_size(features, lambda x: x - mean) or 1.0, mean, False, 0.0)
        if not np.linalg.norm(mean) > _FAR * _size(features, lambda x: x - mean):
            scale = _size(features, lambda x: x) or 1.0
            return cls(scale, plain, False, scale**2)
        length = _unit(mean)[1]
        scale = _size(features, lambda x: _across(x, mean)[0]) or 1.0
        return cls(scale, mean, True, (scale / length) ** 2)

    def rows(self, features: np.ndarray) -> np.ndarray:
        """Some examples' features of the equivalent problem, the last the bias's, float64."""
        x = np.asarray(features, np.float64)
        if not self.turned:
            return np.hstack([(x - self.shift) / self.scale, np.ones((len(x), 1))])
        values, intercept = _across(x, self.shift)
        return np.hstack([values / self.scale, intercept[:, None]])

    def single(self, features: np.ndarray) -> np.ndarray:
        """`rows` in single precision, only some in double at a time."""
        found = np.empty((len(features), len(self.shift) + 1 + self.turned), np.float32)
        for some in blocks(len(features)):
            found[some] = self.rows(features[some])
        return found

    def in_given_units(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights [dims, outputs] and bias [outputs] of the features as they were given."""
        w, v = weights[:-1] / self.scale, weights[-1]
        if not self.turned:
            return w, v - self.shift @ w
        along, length = _unit(self.shift)
        w = w + np.outer(along, v / length - along @ w)
        return w[:-1], w[-1]

    def from_given_units(self, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
        """The opposite: weights of the equivalent problem."""
        if not self.turned:
            return np.vstack([weights * self.scale, bias + self.shift @ weights])
        along, length = _unit(self.shift)
        whole = np.vstack([weights, bias])
        share = along @ whole
        return np.vstack([(whole - np.outer(along, share)) * self.scale, share * length])


@dataclass(frozen=True, eq=False)
class Conditioned(Conditioning):
    """An equivalent problem.

    Attributes:
      design: its features.
    """

    design: Design


def conditioned(features: np.ndarray, *, free_bias: bool) -> Conditioned:
    """Move and scale finite features [n, dims] for a model whose bias is free, or penalised."""
    x = np.asarray(features)
    made = Conditioning.of(x, free_bias=free_bias)
    values = made.rows(x)
    penalties = np.append(np.ones(values.shape[1] - 1), made.ridge)
    return Conditioned(**vars(made), design=Design(values, penalties))


def blocks(count: int, rows: int = _ROWS) -> Iterator[slice]:
    """Slices of so many rows, one after the other."""
    for start in range(0, count, rows):
        yield slice(start, min(start + rows, count))


def _mean(features: np.ndarray) -> np.ndarray:
    """Of every feature, in double precision, which takes only some examples at a time."""
    total = np.zeros(features.shape[1])
    low, high = np.full_like(total, np.inf), np.full_like(total, -np.inf)
    for rows in blocks(len(features)):
        x = np.asarray(features[rows], np.float64)
        total += x.sum(axis=0)
        low, high = np.minimum(low, x.min(axis=0)), np.maximum(high, x.max(axis=0))
    # Of what is constant the mean may be a digit off, which a large constant would not forgive.
    return np.where(low == high, low, total / len(features))


def _across(x: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What (x, 1) has across its mean [n, dims + 1], and along it, 1 on average: [n]."""
    along, length = _unit(mean)
    centred = x - mean
    places = centred @ along[:-1]
    values = np.hstack([centred, np.zeros((len(x), 1))]) - np.outer(places, along)
    return values, 1 + places / length


def _size(features: np.ndarray, moved: Callable[[np.ndarray], np.ndarray]) -> float:
    """Root of the moved rows' mean squared length, whatever their exponent."""
    largest = squares = 0.0
    for rows in blocks(len(features)):
        x = moved(np.asarray(features[rows], np.float64))
        here = float(np.abs(x).max(initial=0))
        if here > largest:
            squares *= (largest / here) ** 2
            largest = here
        if largest:
            squares += float(np.square(x / largest).sum())
    return largest * float(np.sqrt(squares / max(len(features), 1)))


def _unit(mean: np.ndarray) -> tuple[np.ndarray, float]:
    """The direction of (m, 1), and its length."""
    whole = np.append(mean, 1.0)
    length = float(np.linalg.norm(whole))
    return whole / length, length
