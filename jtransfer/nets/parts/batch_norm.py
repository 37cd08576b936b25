"""Batch norm of nets with published weights: statistics frozen or moving, of all or of a domain."""

from dataclasses import dataclass

import flax.linen as nn
import jax

from jtransfer.nets.parts.norm import DomainBatchNorm


@dataclass(frozen=True, kw_only=True)
class BatchNorm:
    """How a net normalises, wherever it does: called inside of a stage, under a name of its own.

    Attributes:
      epsilon: added to the variance.
      momentum: share of the old running statistics kept at each step.
      frozen: whether the running statistics are used, and left alone, in training too.
      num_domains: how many domains have statistics of their own, `batch_stats` [num_domains,
        channels] as of `DomainBatchNorm`; None: all have the same, [channels], and a batch of
        several is one.
    """

    epsilon: float
    momentum: float
    frozen: bool
    num_domains: int | None

    def __call__(
        self, maps: jax.Array, *, name: str, train: bool, domains: tuple[int, ...]
    ) -> jax.Array:
        """Normalise [batch, ..., channels] by parameters and statistics of that name."""
        moving = train and not self.frozen
        if self.num_domains is not None:
            norm = DomainBatchNorm(self.num_domains, self.momentum, self.epsilon, name=name)
            return norm(maps, train=moving, domains=domains)
        norm = nn.BatchNorm(
            momentum=self.momentum,
            epsilon=self.epsilon,
            # The fast variance is a difference of squares: rounding, where the mean is large.
            use_fast_variance=False,
            name=name,
        )
        return norm(maps, use_running_average=not moving)
