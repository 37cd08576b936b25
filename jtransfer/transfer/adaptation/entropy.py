"""The entropy of class probabilities."""

import jax
import jax.numpy as jnp


def entropies(probabilities: jax.Array) -> jax.Array:
    """Entropy of each row, in nats: [n] of [n, classes]; 0 log 0 is 0, with gradient 0."""
    there = probabilities > 0
    logs = jnp.log(jnp.where(there, probabilities, 1.0))
    return -(probabilities * logs).sum(axis=-1)


def entropies_of_logits(logits: jax.Array) -> jax.Array:
    """Entropy of the softmax of each row, in nats and float32: [n] of [n, classes]."""
    logs = jax.nn.log_softmax(logits.astype(jnp.float32))
    return -(jnp.exp(logs) * logs).sum(axis=-1)
