"""CLIP's towers of two narrow blocks with random weights, as files that somebody published."""

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.nets.clip import clip
from jtransfer.nets.clip_names import clip_names
from jtransfer.nets.parts.transformer import TransformerShape
from jtransfer.nets.weights.publishing import write_published

SHAPE = TransformerShape(width=16, depth=1, heads=2)
MERGES = "#version: 0.2\nr e\nre d</w>\n"
VOCABULARY = 256 + 256 + 2 + 2  # bytes, the same at a word's end, merges, the ends of a text
OPTIONS = {
    "patch": 8,
    "size": 16,
    "image": SHAPE,
    "text": SHAPE,
    "outputs": 6,
    "vocabulary": VOCABULARY,
    "length": 32,
}


def write_tiny_clip(folder):
    """Paths of the weights, by open_clip's names, and of the tokenizer."""
    shapes = jax.eval_shape(
        clip(**OPTIONS).init,
        jax.random.key(0),
        jnp.zeros((1, 16, 16, 3)),
        jnp.full((1, 32), VOCABULARY - 1, jnp.int32),
    )
    rng = np.random.default_rng(0)
    varied = jax.tree.map(
        lambda leaf: np.asarray(rng.normal(0.1, 0.3, leaf.shape), np.float32), shapes
    )
    weights, merges = folder / "towers.safetensors", folder / "merges.txt"
    write_published(weights, varied, clip_names("open_clip", depth=1))
    merges.write_text(MERGES)
    return weights, merges
