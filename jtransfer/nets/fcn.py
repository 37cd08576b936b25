"""Fully convolutional nets: a classifier slid over an image, and scores for every pixel.

Long, Shelhamer & Darrell, "Fully convolutional networks for semantic segmentation" (CVPR 2015).

Parameters of `FCN`, as a tree of names, beside the trunk's own below `trunk`:

    params/score_<stage>/{kernel,bias}   [channels, classes], one for every stage that is scored
    params/up_<stage>/kernel             [4, 4, classes, classes], to the size of that stage's maps
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jtransfer.nets.alexnet import adaptive_average_pool
from jtransfer.nets.parts.convolutions import convolution
from jtransfer.nets.parts.initializers import he_normal
from jtransfer.nets.parts.layers import Dense, Dropout
from jtransfer.nets.parts.stages import FullStage, Operation
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.resnet import PoolStage


class SlidingStage(nn.Module):
    """A fully connected layer at every place of maps that are larger than those it is made for.

    Attributes:
      features: number of outputs.
      window: side of the maps that the layer reads, in pixels.
      relu: whether negative outputs become zero.
      dropout: share of the inputs zeroed while training.
      before: what is done to the maps first.
    """

    features: int
    window: int
    relu: bool = True
    dropout: float = 0.0
    before: tuple[Operation, ...] = ()

    @nn.compact
    def __call__(
        self, maps: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """Map [batch, height, width, channels] to [batch, height', width', features].

        height' is height - window + 1, and so is the width.
        """
        for operation in self.before:
            maps = operation(maps)
        shape = (self.window, self.window, maps.shape[-1], self.features)
        kernel = self.param("kernel", he_normal, shape)
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        if self.dropout:
            maps = Dropout(self.dropout)(maps, deterministic=not train)
        if self.window == 1:
            outputs = maps @ kernel[0, 0]
        else:
            outputs = convolution(maps, kernel, padding="VALID")
        outputs = outputs + bias[None, None, None]
        return nn.relu(outputs) if self.relu else outputs


class SlidingMean(nn.Module):
    """The average over the pixels of a window, at every place of larger maps.

    Attributes:
      window: side of the maps that are averaged, in pixels.
    """

    window: int

    @nn.compact
    def __call__(
        self, maps: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """Map [batch, height, width, channels] to [batch, height', width', channels].

        height' is height - window + 1, and so is the width.
        """
        return nn.avg_pool(maps, (self.window, self.window))


def convolutionalise(
    trunk: Trunk, variables: Mapping[str, Any], windows: Mapping[str, int]
) -> tuple[Trunk, dict[str, Any]]:
    """A classifier that gives a map of the outputs that it would give at every place of an image.

    Each fully connected stage becomes a convolution of the same memory (section 3.1): fc6 of
    AlexNet, [6 * 6 * 256, 4096], one of 6x6 kernels, and those behind it of 1x1. On maps of the
    size that they are made for the net is the classifier; on larger ones its output at a place is
    the classifier's for the maps in the window there. Where the trunk pads its maps with zeros,
    those of a whole image differ from a crop's near the border of the crop, where the one goes on
    and the other is padded.

    Args:
      trunk: with stages `FullStage`, such as `alexnet_2014()`, of which poolings of their inputs to
        one size, `adaptive_average_pool`, are left out; or with a `PoolStage`: `resnet(18)`.
      variables: of the trunk.
      windows: side of the maps that each of these stages reads, by its name, in pixels.

    Returns:
      The net, and its variables, whose arrays are those given in other shapes.

    Raises:
      ValueError: if `windows` does not name these stages, each once, or the weights are of other
        windows.
    """
    full = [name for name, factory in trunk.stages if _of(factory) in (FullStage, PoolStage)]
    if set(full) != set(windows):
        raise ValueError(
            f"windows for {sorted(windows)}, and the stages that pool or are fully connected are "
            f"{full}; expected one window for each of them. Name them all"
        )
    stages = tuple(
        (name, _sliding(factory, windows[name]) if name in windows else factory)
        for name, factory in trunk.stages
    )
    params = dict(variables["params"])
    for name, side in windows.items():
        if name in params:
            params[name] = {**params[name], "kernel": _windowed(params[name]["kernel"], name, side)}
    return trunk.clone(stages=stages), {**variables, "params": params}


def unpooled(trunk: Trunk) -> Trunk:
    """A trunk whose last layers before the head give a map of what they would give of an image.

    The paper keeps all layers of the classifier but the one that names the classes (section 4.1).
    Of a net that averages over the pixels behind its last layers these are left: the convolution to
    1280 channels of EfficientNet-Lite, the norm of ConvNeXt. Stages that do nothing but average,
    as ResNet's, are left as they are. The variables are the trunk's own.
    """
    stages = tuple(
        (name, partial(factory, pooled=False) if hasattr(_of(factory), "pooled") else factory)
        for name, factory in trunk.stages
    )
    return trunk.clone(stages=stages)


def _of(factory: Any) -> Any:
    return factory.func if isinstance(factory, partial) else factory


def _sliding(factory: Any, window: int) -> Any:
    if _of(factory) is PoolStage:
        return partial(SlidingMean, window)
    before = factory.keywords.get("before", ())
    kept = tuple(each for each in before if _of(each) is not adaptive_average_pool)
    changed = {**factory.keywords, "window": window, "before": kept}
    return partial(SlidingStage, *factory.args, **changed)


def _windowed(kernel: Any, name: str, side: int) -> Any:
    inputs, outputs = kernel.shape
    if inputs % side**2:
        raise ValueError(
            f"{name} reads {inputs:,} numbers, which are no maps of {side}x{side} pixels; expected "
            "the side of the maps that it reads. Give another window"
        )
    return kernel.reshape(side, side, inputs // side**2, outputs)


class FCN(nn.Module):
    """A trunk whose maps are scored at several strides, added, and brought to the image's size.

    With one stage scored, of stride 32, this is the paper's FCN-32s; the stage of stride 16 added
    to it makes FCN-16s, that of stride 8 FCN-8s (section 4.2, figure 3). Coarser scores are brought
    to the size of finer ones by a transposed convolution which starts bilinear and is learned; the
    last step, to the size of the image, stays bilinear. Finer stages' scores start at zero, so that
    a finer net starts as the coarser one that it was made from.

    The paper pads an image by 100 pixels and crops the scores; here it is padded by zeros, below
    and to the right, to a multiple of `stride`, so that all maps divide it.

    Attributes:
      trunk: images to maps, by named stages.
      classes: number of classes.
      scored: names of the stages that are scored, coarsest first; what lies behind the first one is
        not run.
      stride: of the coarsest stage in pixels.
    """

    trunk: Trunk
    classes: int
    scored: tuple[str, ...]
    stride: int = 32

    @nn.compact
    def __call__(
        self, images: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """Scores [batch, height, width, classes] of [batch, height, width, channels] images.

        Raises:
          ValueError: if the maps of a stage are not twice as fine as those scored before it.
        """
        height, width = images.shape[1:3]
        below, right = -height % self.stride, -width % self.stride
        padded = jnp.pad(images, ((0, 0), (0, below), (0, right), (0, 0)))
        coarsest = self.scored[0]
        _, maps = self.trunk(padded, train=train, domains=domains, until=coarsest, taps=self.scored)
        scores = Dense(self.classes, name=f"score_{coarsest}")(maps[coarsest])
        for stage in self.scored[1:]:
            finer = Dense(self.classes, kernel_init=nn.initializers.zeros, name=f"score_{stage}")(
                maps[stage]
            )
            scores = Doubling(name=f"up_{stage}")(scores)
            if scores.shape != finer.shape:
                raise ValueError(
                    f"the maps of {stage} are {maps[stage].shape[1:3]}, and twice the coarser ones "
                    f"{scores.shape[1:3]}; expected these to be equal. Name the stages whose "
                    "strides halve, coarsest first"
                )
            scores = scores + finer
        return enlarged(scores, padded.shape[1:3])[:, :height, :width]


class Doubling(nn.Module):
    """Maps at twice their height and width, by a transposed convolution that starts bilinear."""

    @nn.compact
    def __call__(self, maps: jax.Array) -> jax.Array:
        """Map [batch, height, width, channels] to [batch, 2 height, 2 width, channels]."""
        channels = maps.shape[-1]
        kernel = self.param("kernel", _bilinear, (4, 4, channels, channels))
        return lax.conv_transpose(maps, kernel, (2, 2), "SAME")


def _bilinear(_key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
    """The kernel that interpolates between four pixels, each channel for itself."""
    tent = np.array([0.25, 0.75, 0.75, 0.25])
    kernel = np.outer(tent, tent)[:, :, None, None] * np.eye(shape[-1])
    return jnp.asarray(kernel, dtype)


def enlarged(maps: jax.Array, size: tuple[int, ...]) -> jax.Array:
    """Maps [batch, h, w, channels] brought to [batch, height, width, channels], bilinear.

    Pixels are squares, whose centres are interpolated between; beyond the outermost centres the
    outermost values hold.
    """
    rows, columns = (
        _weights(there, here) for there, here in zip(size, maps.shape[1:3], strict=True)
    )
    return jnp.einsum("yh,xw,bhwc->byxc", rows, columns, maps, optimize=True)


def _weights(there: int, here: int) -> np.ndarray:
    """What of each of `here` values makes up each of `there`: [there, here]."""
    place = np.clip((np.arange(there) + 0.5) * here / there - 0.5, 0, here - 1)
    distance = np.abs(place[:, None] - np.arange(here)[None])
    return np.maximum(0, 1 - distance).astype(np.float32)
