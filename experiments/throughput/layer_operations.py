"""The operations that the timed steps are made of: each layer's way there and its gradients."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.nets.parts.convolutions import convolution, xla_convolution
from jtransfer.nets.parts.depthwise import depthwise_convolution
from jtransfer.nets.parts.layers import max_pool

Kind = Literal["convolution", "depthwise", "pool", "dense", "norm"]
Part = Literal["forward", "kernel's gradient", "images' gradient", "forward and gradients"]
_APART: tuple[Part, ...] = ("forward", "kernel's gradient", "images' gradient")
TOGETHER: Part = "forward and gradients"


@dataclass(frozen=True)
class Operation:
    """One operation of a layer.

    Attributes:
      layer: its name in the table.
      kind: what it computes; a norm is a scale and a shift of every channel, and ReLU6.
      part: which part of it.
      inputs: shape of what the layer reads, [batch, height, width, channels] or [batch, features].
      weights: shape of its kernel or its scale; of a pool (window, stride).
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
        if self.kind == "norm":
            return self.inputs
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
        if self.kind in ("pool", "norm"):
            return 0.0
        times = 3 if self.part == TOGETHER else 1
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
    parts: tuple[Part, ...] = _APART,
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


def bottleneck(layer: str, batch: int, side: int, channels: int, kernel: int) -> list[Operation]:
    """An inverted bottleneck of EfficientNet-Lite, six times as wide inside."""
    wide, maps = 6 * channels, (batch, side, side, 6 * channels)
    around = kernel // 2
    return [
        *convolved(f"{layer} expand", batch, side, (channels, wide), 1),
        Operation(f"{layer} norm, ReLU6", "norm", TOGETHER, maps, (wide,)),
        *(
            Operation(
                f"{layer} depthwise", "depthwise", part, maps, (kernel, kernel, 1, wide), 1, around
            )
            for part in _APART
        ),
        *convolved(f"{layer} project", batch, side, (wide, channels), 1),
    ]


def _alexnet(batch: int, sides: tuple[int, int, int], **options: Any) -> list[Operation]:
    image, two, three = sides
    return [
        *convolved(
            "conv1", batch, image, (3, 64), 11, around=2, stride=4, reads_images=True, **options
        ),
        *convolved("conv2", batch, two, (64, 192), 5, around=2, **options),
        *convolved("conv3", batch, three, (192, 384), 3, around=1, **options),
        *convolved("conv4", batch, three, (384, 256), 3, around=1, **options),
        *convolved("conv5", batch, three, (256, 256), 3, around=1, **options),
    ]


# By the steps of `timed_steps`, at their small sizes.
OPERATIONS: dict[str, tuple[Operation, ...]] = {
    "dann-mnist": (
        *convolved("conv1", 128, 32, (3, 32), 5, reads_images=True),
        pooled("pool1", 128, 28, 32, 2),
        *convolved("conv2", 128, 14, (32, 48), 5),
        pooled("pool2", 128, 10, 48, 2),
        fully("label fc1", 64, 1200, 100),
    ),
    "dann-svhn": (
        *convolved("conv1", 128, 32, (3, 64), 5, around=2, reads_images=True),
        pooled("pool1", 128, 32, 64, 3),
        *convolved("conv2", 128, 15, (64, 64), 5, around=2),
        pooled("pool2", 128, 15, 64, 3),
        *convolved("conv3", 128, 7, (64, 128), 5, around=2),
        fully("label fc1", 64, 6272, 3072),
        fully("domain fc1", 128, 6272, 1024),
    ),
    "alexnet-forward": tuple(_alexnet(32, (224, 27, 13), parts=("forward",))),
    "alexnet-tuning": (
        *_alexnet(32, (160, 19, 9)),
        pooled("pool1", 32, 39, 64, 3),
        pooled("pool2", 32, 19, 192, 3),
    ),
    "lite0-tuning": (
        *bottleneck("block2", 16, 32, 24, 3),
        *bottleneck("block3", 16, 16, 40, 5),
        *bottleneck("block5", 16, 8, 112, 5),
    ),
}


def _norm(maps: jax.Array, scale: jax.Array) -> jax.Array:
    return nn.relu6(maps * scale[None, None, None] + 1.0)


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
            # A pool has no weights.
            return outputs, to_inputs, *([to_weights] if operation.kind != "pool" else [])
        return to_weights if operation.part == "kernel's gradient" else to_inputs

    compiled = jax.jit(compute).lower(*arrays).compile()
    return lambda: jax.block_until_ready(compiled(*arrays))
