"""The operations that the timed steps are made of: each layer's way there and its gradients."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.nets.parts.attention import attention
from jtransfer.nets.parts.convolutions import convolution, xla_convolution
from jtransfer.nets.parts.depthwise import depthwise_convolution
from jtransfer.nets.parts.gelu import exact_gelu
from jtransfer.nets.parts.layers import max_pool
from jtransfer.nets.parts.rows_product import rows_product
from jtransfer.nets.parts.transformer import layer_norm

Kind = Literal[
    "convolution", "depthwise", "pool", "dense", "norm", "tokens", "attention", "layer norm", "gelu"
]
Part = Literal["forward", "kernel's gradient", "images' gradient", "forward and gradients"]
APART: tuple[Part, ...] = ("forward", "kernel's gradient", "images' gradient")
TOGETHER: Part = "forward and gradients"
WEIGHTLESS: tuple[Kind, ...] = ("pool", "attention", "gelu")
_AS_ITS_INPUTS: tuple[Kind, ...] = ("norm", "layer norm", "gelu")
_EPSILON = 1e-6


@dataclass(frozen=True)
class Operation:
    """One operation of a layer.

    Attributes:
      layer: its name in the table.
      kind: what it computes; a norm is a scale and a shift of every channel, and ReLU6; "tokens" a
        linear layer of a transformer.
      part: which part of it.
      inputs: shape of what the layer reads, [batch, height, width, channels], [batch, features] or
        [batch, tokens, numbers]; of an attention these are query, key and value.
      weights: shape of its kernel or its scale; of a pool (window, stride), of an attention (heads,
        numbers of a head), of GELU nothing.
      stride: of a convolution.
      around: pixels of padding on each side.
    """

    layer: str
    kind: Kind
    part: Part
    inputs: tuple[int, ...]
    weights: tuple[int, ...]
    stride: int = 1
    around: int = 0

    @property
    def outputs(self) -> tuple[int, ...]:
        """Shape of what the layer gives."""
        batch, *sides, _ = self.inputs
        if self.kind in _AS_ITS_INPUTS:
            return self.inputs
        if self.kind in ("tokens", "attention"):
            across = int(np.prod(self.weights)) if self.kind == "attention" else self.weights[-1]
            return batch, *sides, across
        window, stride = self.weights if self.kind == "pool" else (self.weights[0], self.stride)
        sides = [(side + 2 * self.around - window) // stride + 1 for side in sides]
        return batch, *sides, self.inputs[-1] if self.kind == "pool" else self.weights[-1]

    @property
    def pads(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """((above, below), (left, right)) in pixels."""
        return (self.around, self.around), (self.around, self.around)

    @property
    def has_own_formulation(self) -> bool:
        """Whether jtransfer's nets compute it in another way than XLA's own operation."""
        return self.kind in ("convolution", "depthwise", "pool")

    @property
    def gigaflop(self) -> float:
        """Multiplications and additions of its products of matrices; padding counts as pixels."""
        if self.kind == "pool" or self.kind in _AS_ITS_INPUTS:
            return 0.0
        times = 3 if self.part == TOGETHER else 1
        if self.kind == "attention":
            # Queries with keys, and the shares with the values.
            return 2 * 2e-9 * times * self.inputs[1] * np.prod(self.outputs)
        return 2e-9 * times * np.prod(self.outputs[:-1]) * np.prod(self.weights)

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Random inputs, weights and a gradient of the outputs."""
        random = np.random.default_rng(0)
        shapes = self.inputs, self.weights, self.outputs
        inputs, weights, gradient = (random.normal(size=each).astype(np.float32) for each in shapes)
        return inputs, weights, gradient


def convolved(
    layer: str,
    batch: int,
    side: int,
    channels: tuple[int, int],
    kernel: int,
    *,
    around: int = 0,
    stride: int = 1,
    reads_images: bool = False,
    parts: tuple[Part, ...] = APART,
) -> list[Operation]:
    """A convolution's way there and, where it is trained, back; images need no gradient."""
    inputs, weights = (batch, side, side, channels[0]), (kernel, kernel, *channels)
    return [
        Operation(layer, "convolution", part, inputs, weights, stride, around)
        for part in parts
        if not (reads_images and part == "images' gradient")
    ]


def pooled(layer: str, batch: int, side: int, channels: int, window: int) -> Operation:
    """A pool of windows two pixels apart."""
    return Operation(layer, "pool", TOGETHER, (batch, side, side, channels), (window, 2))


def fully(layer: str, batch: int, inputs: int, outputs: int) -> Operation:
    """A fully connected layer."""
    return Operation(layer, "dense", TOGETHER, (batch, inputs), (inputs, outputs))


def tokens(layer: str, batch: int, count: int, inputs: int, outputs: int) -> Operation:
    """A linear layer of a transformer."""
    return Operation(layer, "tokens", TOGETHER, (batch, count, inputs), (inputs, outputs))


def _norm(maps: jax.Array, scale: jax.Array) -> jax.Array:
    return nn.relu6(maps * scale[None, None, None] + 1.0)


def _attention(tokens: jax.Array, of: Operation) -> jax.Array:
    heads = [each.reshape(*each.shape[:2], *of.weights) for each in jnp.split(tokens, 3, axis=-1)]
    return attention(*heads).reshape(of.outputs)


def jtransfers(operation: Operation) -> Callable[..., jax.Array]:
    """The layer as jtransfer's nets compute it, of inputs and weights."""
    settings: dict[str, Any] = {"stride": operation.stride, "padding": operation.pads}
    return {
        "convolution": partial(convolution, **settings),
        "depthwise": partial(depthwise_convolution, **settings),
        "pool": lambda maps, _: max_pool(
            maps, window=operation.weights[0], stride=operation.weights[1]
        ),
        "dense": lambda features, kernel: features @ kernel,
        "norm": _norm,
        "tokens": rows_product,
        "attention": lambda tokens, _: _attention(tokens, operation),
        "layer norm": lambda tokens, scale: layer_norm("norm", epsilon=_EPSILON).apply(
            {"params": {"scale": scale, "bias": jnp.zeros_like(scale)}}, tokens
        ),
        "gelu": lambda tokens, _: exact_gelu(tokens),
    }[operation.kind]


def xlas(operation: Operation) -> Callable[..., jax.Array]:
    """The layer by XLA's own operation."""
    if operation.kind == "pool":
        window, stride = operation.weights
        return lambda maps, _: nn.max_pool(maps, (window, window), (stride, stride))
    if operation.kind in ("convolution", "depthwise"):
        groups = operation.inputs[-1] if operation.kind == "depthwise" else 1
        return partial(xla_convolution, stride=operation.stride, pads=operation.pads, groups=groups)
    return jtransfers(operation)


def program(operation: Operation, layer: Callable[..., jax.Array]) -> Callable[[], Any]:
    """A call that computes the operation's part of the layer and waits for it."""
    arrays = [jnp.asarray(each) for each in operation.arrays()]

    def compute(inputs, weights, gradient):
        if operation.part == "forward":
            return layer(inputs, weights)
        outputs, back = jax.vjp(layer, inputs, weights)
        to_inputs, to_weights = back(gradient)
        if operation.part == TOGETHER:
            return outputs, to_inputs, *([to_weights] if operation.kind not in WEIGHTLESS else [])
        return to_weights if operation.part == "kernel's gradient" else to_inputs

    compiled = jax.jit(compute).lower(*arrays).compile()
    return lambda: jax.block_until_ready(compiled(*arrays))
