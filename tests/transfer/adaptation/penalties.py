"""What a small net may have made of two domains, for the losses that compare them."""

import jax
import jax.numpy as jnp
import numpy as np

RANDOM = np.random.default_rng(0)
SOURCE, TARGET = RANDOM.normal(size=(2, 6, 4)).astype(np.float32) * np.array([[[1.0]], [[2.0]]])
SOURCE_LOGITS, TARGET_LOGITS = 2 * RANDOM.normal(size=(2, 6, 3)).astype(np.float32)
LABELS = np.array([0, 1, 2, 0, 1, 2])


class Given:
    """A net that gives the numbers above, times its one parameter, whatever it is asked."""

    def apply(self, variables, *, method, mutable, rngs):
        del method, rngs
        scale = variables["params"]
        outputs = np.concatenate([SOURCE, TARGET]), np.concatenate([SOURCE_LOGITS, TARGET_LOGITS])
        return tuple(scale * jnp.asarray(each, jnp.float32) for each in outputs), dict.fromkeys(
            mutable
        )


def batch(label=-99):
    """Images that nothing is read from; the target's labels are poison."""
    return {
        "source": {"image": jnp.zeros((6, 1)), "label": jnp.asarray(LABELS)},
        "target": {"image": jnp.zeros((6, 1)), "label": jnp.full(6, label)},
    }


def parts(loss, progress=1.0):
    """Value, gradient by the parameter, and metrics of a loss at the parameter 1."""
    (value, (_, metrics)), gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))(
        jnp.ones(()), {}, batch(), jax.random.key(0), jnp.asarray(progress)
    )
    return float(value), float(gradient), {name: float(a / b) for name, (a, b) in metrics.items()}


def label_loss():
    """Mean cross-entropy on the source, in double precision."""
    logits = SOURCE_LOGITS.astype(np.float64)
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return -logs[np.arange(6), LABELS].mean()


def softmax(logits):
    """Rows of probabilities, in double precision."""
    shares = np.exp(logits.astype(np.float64))
    return shares / shares.sum(axis=1, keepdims=True)
