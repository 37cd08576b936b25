"""Batch normalisation with statistics per domain."""

import flax.linen as nn
import jax
import jax.numpy as jnp


class DomainBatchNorm(nn.Module):
    """Batch norm that keeps one mean and variance a domain and shares scale and bias.

    A batch that mixes domains holds them in equal consecutive parts: `domains=(0, 1)` says that its
    first half is domain 0 and its second half domain 1. Each domain is normalised by its own
    statistics, so that neither domain's mean or contrast leaks into the other's features
    (Li et al. 2016, "Revisiting batch normalization for practical domain adaptation"). Parts of one
    domain are one batch of it: `domains=(0, 0)` is `domains=(0,)`.

    The variance is taken of what is left without the mean, in a second pass: the difference of the
    mean square and the squared mean is rounding where the mean is large.

    Attributes:
      num_domains: how many domains statistics are kept for.
      momentum: share of the old running statistics kept at each step.
      epsilon: added to the variance.
    """

    num_domains: int = 2
    momentum: float = 0.9
    epsilon: float = 1e-5

    @nn.compact
    def __call__(
        self, images: jax.Array, *, train: bool, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """Normalise [batch, ..., channels]; `train` uses and records the batch's statistics.

        Statistics are computed in float32 whatever the images are; the result is as the images.

        Raises:
          ValueError: if the batch does not split into `len(domains)` equal parts, or a domain is
            not below `num_domains`.
        """
        if images.shape[0] % len(domains):
            raise ValueError(
                f"a batch of {images.shape[0]} does not split into {len(domains)} equal parts; "
                f"give every domain in {domains} the same number of examples"
            )
        if not all(0 <= domain < self.num_domains for domain in domains):
            raise ValueError(f"domains {domains}: expected numbers below {self.num_domains}")
        channels = images.shape[-1]
        scale = self.param("scale", nn.initializers.ones, (channels,))
        bias = self.param("bias", nn.initializers.zeros, (channels,))
        shape = (self.num_domains, channels)
        running_mean = self.variable("batch_stats", "mean", jnp.zeros, shape)
        running_var = self.variable("batch_stats", "var", jnp.ones, shape)

        parts = images.reshape(len(domains), -1, *images.shape[1:]).astype(jnp.float32)
        index, wide = jnp.array(domains), (len(domains), *[1] * (images.ndim - 1), channels)
        if train:
            # A first mean, whatever its rounding: what does not change under a shift needs no
            # gradient through it.
            middle = jax.lax.stop_gradient(_means(parts, domains))
            centred = parts - middle.reshape(wide)
            rest = _means(centred, domains)
            var = jnp.maximum(_means(jnp.square(centred), domains) - jnp.square(rest), 0.0)
            if not self.is_initializing():
                for running, new in ((running_mean, middle + rest), (running_var, var)):
                    moved = self.momentum * running.value[index] + (1 - self.momentum) * new
                    running.value = running.value.at[index].set(moved)
        else:
            var = running_var.value[index]
            centred = parts - running_mean.value[index].reshape(wide)
            rest = jnp.zeros_like(var)
        gain = scale[None] * jax.lax.rsqrt(var + self.epsilon)
        offset = bias[None] - rest * gain
        normed = centred * gain.reshape(wide) + offset.reshape(wide)
        return normed.reshape(images.shape).astype(jnp.result_type(images, float))


def _means(parts: jax.Array, domains: tuple[int, ...]) -> jax.Array:
    """For every part the mean of its domain's: [parts, channels] of [parts, n, ..., channels]."""
    means = parts.mean(axis=tuple(range(1, parts.ndim - 1)))
    of_a_domain = [[part for part, other in enumerate(domains) if other == own] for own in domains]
    return jnp.stack([means[jnp.array(places)].mean(axis=0) for places in of_a_domain])
