"""The gradient reversal layer (Ganin & Lempitsky, ICML 2015, section 3.2)."""

import jax
import jax.numpy as jnp


@jax.custom_vjp
def reverse_gradient(features: jax.Array, scale: jax.Array | float) -> jax.Array:
    """The identity, whose gradient is multiplied by `-scale`.

    What stands behind it learns as usual; what stands before it learns the opposite, `scale` times
    as strongly. Forward-mode differentiation is not defined.

    Args:
      features: array of any shape.
      scale: lambda, a scalar; may be traced, so that it can change during training without
        recompiling. It receives no gradient.

    Returns:
      `features`, unchanged.
    """
    del scale
    return features


def _forward(features, scale):
    return features, scale


def _backward(scale, gradient):
    opposite = -scale * gradient
    if opposite.dtype != gradient.dtype:  # a float32 scale in a net that computes in bfloat16
        opposite = opposite.astype(gradient.dtype)
    return opposite, jnp.zeros_like(scale)


reverse_gradient.defvjp(_forward, _backward)
