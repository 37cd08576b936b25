"""Local response normalisation (Krizhevsky et al. 2012, section 3.3)."""

import jax
import jax.numpy as jnp
from jax import lax


def local_response_norm(
    maps: jax.Array, *, k: float = 2.0, alpha: float = 1e-4, window: int = 5
) -> jax.Array:
    """Divide every channel by the strength of its neighbours at the same pixel.

    b_i = a_i / (k + alpha sum_j a_j^2)^(3/4), the sum over the `window` channels around i, fewer at
    the ends. The defaults are the paper's. Caffe and PyTorch have k = 1 and divide alpha by the
    window: for their `alpha=1e-4` give `alpha=1e-4 / 5`.

    Args:
      maps: [..., channels].
      k: what the sum is added to.
      alpha: factor on the sum of squares.
      window: number of channels in the sum, odd.

    Returns:
      [..., channels] of the maps' type; the sums are float32, where half precision's squares end.
    """
    channels, reach = maps.shape[-1], window // 2
    around = [(0, 0)] * (maps.ndim - 1) + [(reach, reach)]
    precise = maps.astype(jnp.promote_types(maps.dtype, jnp.float32))
    squares = jnp.pad(jnp.square(precise), around)
    strength = sum(
        (lax.slice_in_dim(squares, i, i + channels, axis=-1) for i in range(window)),
        start=jnp.zeros((), precise.dtype),
    )
    # d^(-3/4) by square roots, several times faster than a power.
    root = lax.rsqrt(k + alpha * strength)
    return (precise * (root * jnp.sqrt(root))).astype(jnp.result_type(maps, float))
