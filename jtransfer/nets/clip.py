"""CLIP: an image tower and a text tower into one space (Radford et al. 2021).

Parameters, as a tree of names:

    params/image/patches/{kernel,class_token,positions}, norm/{scale,bias}     no bias
    params/image/block1 ... blockN      as those of `vit`
    params/image/norm/norm/{scale,bias}
    params/image/projection/kernel      [width, outputs]
    params/text/embedding               [vocabulary, width]
    params/text/positions               [length, width]
    params/text/block1 ... blockN       as those of `vit`
    params/text/norm/{scale,bias}
    params/text/projection/kernel       [width, outputs]
    params/logit_scale                  []; the logarithm of what similarities are multiplied by
"""

import math
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from jtransfer.nets.parts.gelu import exact_gelu
from jtransfer.nets.parts.positions import RESAMPLING, Publisher
from jtransfer.nets.parts.tokens import FeatureStage, LinearStage, PatchStage
from jtransfer.nets.parts.transformer import (
    Activation,
    Block,
    TransformerShape,
    layer_norm,
    linear,
)
from jtransfer.nets.parts.trunk import Trunk

_EPSILON = 1e-5
_IMAGE = TransformerShape(width=768, depth=12, heads=12)
_TEXT = TransformerShape(width=512, depth=12, heads=8)


def quick_gelu(x: jax.Array) -> jax.Array:
    """OpenAI's choice of GELU, x sigmoid(1.702 x) (Hendrycks & Gimpel 2016)."""
    return x * nn.sigmoid(1.702 * x)


class TextTower(nn.Module):
    """Token numbers to the embedding of the text that they are.

    Attributes:
      shape: of the transformer.
      outputs: numbers of an embedding.
      activation: in the blocks.
      vocabulary: how many tokens there are; the last one ends a text.
      length: the most tokens of a text, its two ends among them.
    """

    shape: TransformerShape
    outputs: int
    activation: Activation
    vocabulary: int = 49408
    length: int = 77

    @nn.compact
    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Map token numbers [batch, tokens], as `ClipTokenizer` gives them, to [batch, outputs].

        What follows the token of the end, the largest number, is not looked at.

        Raises:
          ValueError: if there are more tokens than positions.
        """
        count, width = tokens.shape[1], self.shape.width
        if not 0 < count <= self.length:
            raise ValueError(
                f"texts of {count} tokens; expected 1 to {self.length}, for which there are "
                f"positions. Cut them, as ClipTokenizer does"
            )
        normal = nn.initializers.normal
        embedding = self.param("embedding", normal(0.02), (self.vocabulary, width))
        positions = self.param("positions", normal(0.01), (self.length, width))
        seen = embedding[tokens] + positions[None, :count]
        for number in range(1, self.shape.depth + 1):
            block = Block(
                self.shape.heads,
                _EPSILON,
                activation=self.activation,
                causal=True,
                name=f"block{number}",
            )
            seen = block(seen)
        ends = tokens.argmax(axis=1)[:, None, None]
        last = jnp.take_along_axis(seen, ends, axis=1)[:, 0]
        last = layer_norm("norm", epsilon=_EPSILON)(last)
        return linear(self.outputs, "projection", use_bias=False)(last)


class Clip(nn.Module):
    """Two towers whose embeddings are alike where an image and a text go together.

    Attributes:
      image: a trunk of the stages patches, block1 ... blockN, norm, projection.
      text: the tower of the texts.
    """

    image: Trunk
    text: TextTower

    def setup(self):
        """The logarithm of 1 / .07, as the paper begins (section 2.5)."""
        self.logit_scale = self.param("logit_scale", nn.initializers.constant(-math.log(0.07)), ())

    def __call__(self, images: jax.Array, tokens: jax.Array, *, train: bool = False) -> jax.Array:
        """Logits [images, texts]: the scaled cosine of every image with every text."""
        cosines = self.encode_image(images, train=train) @ self.encode_text(tokens).T
        return jnp.exp(self.logit_scale) * cosines

    def encode_image(
        self, images: jax.Array, *, normalise: bool = True, train: bool = False
    ) -> jax.Array:
        """Embeddings [batch, outputs] of [batch, height, width, 3] images, of length 1 if asked."""
        embeddings = self.image(images, train=train)
        return _normalised(embeddings) if normalise else embeddings

    def encode_text(self, tokens: jax.Array, *, normalise: bool = True) -> jax.Array:
        """Embeddings [batch, outputs] of token numbers [batch, tokens], of length 1 if asked."""
        embeddings = self.text(tokens)
        return _normalised(embeddings) if normalise else embeddings


def clip(
    patch: int = 32,
    *,
    size: int = 224,
    image: TransformerShape = _IMAGE,
    text: TransformerShape = _TEXT,
    outputs: int = 512,
    openai: bool = True,
    vocabulary: int = 49408,
    length: int = 77,
    resampling: Publisher = "timm",
) -> Clip:
    """CLIP with a vision transformer: ViT-B/32, or ViT-B/16 by `patch=16`.

    For [batch, size, size, 3] images, RGB, (x / 255 - mean) / deviation of OpenAI's own numbers.

    Args:
      patch: side of the square patches in pixels.
      size: side of the images that the positions are for; images of another size that the patches
        divide are taken too, the positions being interpolated.
      image: shape of the image tower.
      text: shape of the text tower.
      outputs: numbers of an embedding.
      openai: whether the weights are OpenAI's, or others made with its activation (open_clip's
        names that end in `quickgelu`); if not, the blocks have the exact GELU.
      vocabulary: number of tokens.
      length: the most tokens of a text.
      resampling: whose way of interpolating positions: open_clip's is timm's.

    Raises:
      ValueError: if the patches do not divide `size`.
    """
    if patch < 1 or size % patch or size < patch:
        raise ValueError(
            f"positions for images of {size} pixels do not go with patches of {patch}; expected a "
            "size that is a multiple of the patch"
        )
    activation = quick_gelu if openai else exact_gelu
    patches = partial(
        PatchStage,
        image.width,
        patch,
        size // patch,
        RESAMPLING[resampling],
        use_bias=False,
        norm_epsilon=_EPSILON,
    )
    block = partial(Block, image.heads, _EPSILON, activation=activation)
    tower = Trunk(
        (
            ("patches", patches),
            *((f"block{number}", block) for number in range(1, image.depth + 1)),
            ("norm", partial(FeatureStage, "class", 1, _EPSILON)),
            ("projection", partial(LinearStage, outputs, use_bias=False)),
        )
    )
    return Clip(tower, TextTower(text, outputs, activation, vocabulary, length))


def _normalised(embeddings: jax.Array) -> jax.Array:
    """Embeddings of length 1; zeros stay."""
    squares = jnp.square(embeddings).sum(axis=-1, keepdims=True)
    return embeddings * jax.lax.rsqrt(jnp.maximum(squares, jnp.finfo(jnp.float32).tiny))
