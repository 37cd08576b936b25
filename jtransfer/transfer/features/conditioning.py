"""Features moved and scaled so that a linear model of them can be solved, the problem unchanged.

Neither the unit of the features nor what all of them have in common should cost digits, and both
can be taken out exactly. With x = s x', the weights w = w' / s and a weight C' = s^2 C of the loss,
s^2 times the objective |w|^2 / 2 + C loss is |w'|^2 / 2 + C' loss. Where the bias b is free, the
mean m goes into it: w x + b = w (x - m) + (b + w m). Where it is penalised as the weight of a
feature that is 1, what (x, 1) has along its mean is taken for the bias: v, whose feature is 1 on
average and whose penalty is 1 / |(m, 1)|^2.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

# Of the mean's length and the spread's: a shorter mean leaves enough digits where it is.
_FAR = 10.0


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
class Conditioned:
    """An equivalent problem.

    Attributes:
      design: its features, of length about 1.
      scale: s; the C of the loss becomes C s^2.
      shift: the mean that was taken out, [dims]; 0 where it was left.
      turned: whether the bias is what (x, 1) has along its mean.
    """

    design: Design
    scale: float
    shift: np.ndarray
    turned: bool

    def in_given_units(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights [dims, outputs] and bias [outputs] of the features as they were given."""
        w, v = weights[:-1] / self.scale, weights[-1]
        if not self.turned:
            return w, v - self.shift @ w
        along, length = _unit(self.shift)
        w = w + np.outer(along, v / length - along @ w)
        return w[:-1], w[-1]

    def from_given_units(self, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
        """The opposite: weights of the design."""
        if not self.turned:
            return np.vstack([weights * self.scale, bias + self.shift @ weights])
        along, length = _unit(self.shift)
        whole = np.vstack([weights, bias])
        share = along @ whole
        return np.vstack([(whole - np.outer(along, share)) * self.scale, share * length])


def conditioned(features: np.ndarray, *, free_bias: bool) -> Conditioned:
    """Move and scale finite features [n, dims] for a model whose bias is free, or penalised."""
    x = np.asarray(features, np.float64)
    # Of what is constant the mean may be a digit off, which a large constant would not forgive.
    mean = np.where(x.min(axis=0) == x.max(axis=0), x[0], x.mean(axis=0))
    intercept, ridge, turned = np.ones(len(x)), 0.0, False
    if free_bias:
        values = x - mean
    else:
        values, ridge = x - mean, 1.0
        turned = bool(np.linalg.norm(mean) > _FAR * _size(values))
        if turned:
            along, length = _unit(mean)
            places = values @ along[:-1]
            values = np.hstack([values, np.zeros((len(x), 1))]) - np.outer(places, along)
            intercept, ridge = 1 + places / length, 1 / length**2
        else:
            values, mean = x, np.zeros_like(mean)
    scale = _size(values) or 1.0
    penalties = np.append(np.ones(values.shape[1]), ridge * scale**2)
    design = Design(np.hstack([values / scale, intercept[:, None]]), penalties)
    return Conditioned(design, scale, mean, turned)


def _size(values: np.ndarray) -> float:
    """Root of the rows' mean squared length, whatever their exponent."""
    largest = float(np.abs(values).max(initial=0))
    if not largest:
        return 0.0
    return largest * float(np.sqrt(np.square(values / largest).sum(axis=1).mean()))


def _unit(mean: np.ndarray) -> tuple[np.ndarray, float]:
    """The direction of (m, 1), and its length."""
    whole = np.append(mean, 1.0)
    length = float(np.linalg.norm(whole))
    return whole / length, length
