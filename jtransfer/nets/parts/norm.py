"""Batch normalisation with statistics per domain."""

import flax.linen as nn
import jax
import jax.numpy as jnp


class DomainBatchNorm(nn.Module):
    """Batch norm that keeps one mean and variance a domain and shares scale and bias.

    A batch that mixes domains holds them in equal consecutive parts: `domains=(0, 1)` says that its
    first half is domain 0 and its second half domain 1. Each part is normalised by its own
    statistics, so that neither domain's mean or contrast leaks into the other's features
    (Li et al. 2016, "Revisiting batch normalization for practical domain adaptation").

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

        parts = images.reshape(len(domains), -1, channels).astype(jnp.float32)
        index = jnp.array(domains)
        if train:
            mean = parts.mean(axis=1)
            var = jnp.square(parts).mean(axis=1) - jnp.square(mean)
            if not self.is_initializing():
                keep = self.momentum
                running_mean.value = running_mean.value.at[index].multiply(keep)
                running_mean.value = running_mean.value.at[index].add((1 - keep) * mean)
                running_var.value = running_var.value.at[index].multiply(keep)
                running_var.value = running_var.value.at[index].add((1 - keep) * var)
        else:
            mean, var = running_mean.value[index], running_var.value[index]
        gain = scale[None] * jax.lax.rsqrt(var + self.epsilon)
        shift = bias[None] - mean * gain
        normed = parts * gain[:, None] + shift[:, None]
        return normed.reshape(images.shape).astype(images.dtype)
