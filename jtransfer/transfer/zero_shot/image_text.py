"""Zero-shot naming of images by a text tower: classes are the texts that name them.

The ensemble of prompts is that of Radford et al. 2021, section 3.1.4: the mean of the embeddings of
a class's prompts, each of length 1, brought to length 1 again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.transfer.features.extraction import require_finite
from jtransfer.transfer.features.penalty_path import product

# The seven of OpenAI's eighty for ImageNet that do best together, by forward selection (their
# notebook "Prompt Engineering for ImageNet").
PROMPTS: tuple[str, ...] = (
    "itap of a {}.",
    "a bad photo of the {}.",
    "a origami {}.",
    "a photo of the large {}.",
    "a {} in a video game.",
    "art of the {}.",
    "a photo of the small {}.",
)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class NameClassifier:
    """Classes by the embeddings of their names.

    Attributes:
      classes: [classes, dims], of length 1.
      scale: what cosines are multiplied by: exp(logit_scale) of the towers.
    """

    classes: jax.Array
    scale: jax.Array

    def decision(self, embeddings: jax.Array | np.ndarray) -> jax.Array:
        """Logits [n, classes] of images [n, dims], whose length does not matter.

        Raises:
          ValueError: naming an image whose embedding is not finite.
        """
        require_finite(embeddings)
        return self.scale * product(_normalised(jnp.asarray(embeddings)), self.classes.T)

    def predict(self, embeddings: jax.Array | np.ndarray) -> jax.Array:
        """Classes [n] of images [n, dims]."""
        return self.decision(embeddings).argmax(axis=1)


def fill_prompts(names: Sequence[str], prompts: Sequence[str] = PROMPTS) -> list[list[str]]:
    """The texts of every class: its name in every prompt.

    >>> fill_prompts(["cat", "dog"], ["a {}.", "the {}."])
    [['a cat.', 'the cat.'], ['a dog.', 'the dog.']]

    Args:
      names: of the classes.
      prompts: texts with one {} each, where the name goes.

    Raises:
      ValueError: if there is no name or no prompt, or a prompt has not one place for the name.
    """
    if not names or not prompts:
        raise ValueError(
            f"{len(names)} names in {len(prompts)} prompts; expected at least one of each"
        )
    wrong = [prompt for prompt in prompts if prompt.count("{}") != 1]
    if wrong:
        raise ValueError(
            f"the prompt {wrong[0]!r} has {wrong[0].count('{}')} places for a name; expected one, "
            "written {}, such as 'a photo of a {}.'"
        )
    return [[prompt.replace("{}", name) for prompt in prompts] for name in names]


def fit_names(texts: jax.Array | np.ndarray, *, scale: float | jax.Array = 1.0) -> NameClassifier:
    """Classes from the embeddings of their texts.

    Args:
      texts: [classes, prompts, dims], of any length; or [classes, dims] of one text each.
      scale: what cosines are multiplied by; it changes probabilities, not classes.

    Raises:
      ValueError: if the embeddings are of other axes, or not finite.
    """
    if texts.ndim not in (2, 3) or 0 in texts.shape:
        raise ValueError(
            f"embeddings of shape {list(texts.shape)}; expected [classes, prompts, dims]"
        )
    require_finite(texts.reshape(-1, texts.shape[-1]), name="texts")
    each = _normalised(jnp.asarray(texts))
    means = each.mean(axis=1) if each.ndim == 3 else each
    return NameClassifier(_normalised(means), jnp.asarray(scale, jnp.float32))


def _normalised(embeddings: jax.Array) -> jax.Array:
    """Of length 1; zeros stay."""
    squares = jnp.square(embeddings).sum(axis=-1, keepdims=True)
    return embeddings * jax.lax.rsqrt(jnp.maximum(squares, jnp.finfo(jnp.float32).tiny))
