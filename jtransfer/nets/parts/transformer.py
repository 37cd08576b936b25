"""The blocks of transformers: attention and a net of two layers on every token, both residual."""

from collections.abc import Callable
from dataclasses import dataclass

import flax.linen as nn
import jax

from jtransfer.nets.parts.attention import attention
from jtransfer.nets.parts.gelu import exact_gelu
from jtransfer.nets.parts.initializers import in_a_row
from jtransfer.nets.parts.rows_product import dense_product

Activation = Callable[[jax.Array], jax.Array]

_NORMAL = in_a_row(nn.initializers.truncated_normal(0.02))


@dataclass(frozen=True)
class TransformerShape:
    """The shape of a transformer.

    Attributes:
      width: numbers of a token.
      depth: number of blocks.
      heads: of each attention; they divide the width.
    """

    width: int
    depth: int
    heads: int

    def __post_init__(self):
        if min(self.width, self.depth, self.heads) < 1 or self.width % self.heads:
            raise ValueError(
                f"a transformer of {self.width} wide tokens, {self.depth} blocks and {self.heads} "
                "heads; expected positive numbers, and heads that divide the width"
            )


def layer_norm(name: str, *, epsilon: float) -> nn.LayerNorm:
    """Layer norm over the numbers of a token, with scale and bias."""
    # The fast variance is a difference of squares: rounding, where the mean is large.
    return nn.LayerNorm(epsilon=epsilon, use_fast_variance=False, name=name)


def linear(features: int, name: str, *, use_bias: bool = True) -> nn.Dense:
    """A linear layer that begins as those of transformers do: deviation .02, cut at two of them."""
    return nn.Dense(
        features, use_bias=use_bias, kernel_init=_NORMAL, dot_general=dense_product, name=name
    )


class Attention(nn.Module):
    """Self-attention of several heads (Vaswani et al. 2017, section 3.2).

    Query, key and value are layers of their own, which rules over parameter paths can tell apart;
    publishers have one for all three. Accelerators take the kernels that JAX has for them.

    Attributes:
      heads: number of heads.
      causal: whether a token sees only itself and those before it.
    """

    heads: int
    causal: bool = False

    @nn.compact
    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Map [batch, tokens, width] to the same."""
        batch, count, width = tokens.shape
        query, key, value = (
            linear(width, name)(tokens).reshape(batch, count, self.heads, -1)
            for name in ("query", "key", "value")
        )
        seen = attention(query, key, value, causal=self.causal)
        return linear(width, "out")(seen.reshape(batch, count, width))


class Block(nn.Module):
    """Attention and a net of two layers, each behind a layer norm and added to what it reads.

    Attributes:
      heads: number of heads of the attention.
      epsilon: added to the variances.
      activation: between the two layers, the first of which is four times as wide as the tokens.
      layer_scale: what the learned gains of both branches begin with (Touvron et al. 2021,
        "Going deeper with image transformers", section 2); None for none.
      causal: whether a token sees only itself and those before it.
    """

    heads: int
    epsilon: float
    activation: Activation = exact_gelu
    layer_scale: float | None = None
    causal: bool = False

    @nn.compact
    def __call__(
        self, tokens: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """Map [batch, tokens, width] to the same; training changes nothing."""
        width = tokens.shape[-1]
        read = layer_norm("attention_norm", epsilon=self.epsilon)(tokens)
        seen = Attention(self.heads, self.causal, name="attention")(read)
        tokens = tokens + self._scaled(seen, "attention_scale")
        read = layer_norm("mlp_norm", epsilon=self.epsilon)(tokens)
        hidden = self.activation(linear(4 * width, "fc1")(read))
        return tokens + self._scaled(linear(width, "fc2")(hidden), "mlp_scale")

    def _scaled(self, branch: jax.Array, name: str) -> jax.Array:
        if self.layer_scale is None:
            return branch
        gains = nn.initializers.constant(self.layer_scale)
        return branch * self.param(name, gains, branch.shape[-1:])[None, None]
