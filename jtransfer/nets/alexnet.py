"""AlexNet, twice: the one of 2012 (as Caffe has it) and the one of 2014 (the one in torchvision).

Parameters, as a tree of names:

    params/conv1 ... conv5/kernel    [height, width, in / groups, out]
    params/conv1 ... conv5/bias      [out]
    params/fc6, fc7, fc8/kernel      [in, out]; fc6 reads its maps as [height, width, channels]
    params/fc6, fc7, fc8/bias        [out]
"""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.nets.parts.convolutions import convolution
from jtransfer.nets.parts.initializers import he_normal
from jtransfer.nets.parts.layers import max_pool
from jtransfer.nets.parts.local_response import local_response_norm
from jtransfer.nets.parts.stages import FullStage, Operation
from jtransfer.nets.parts.trunk import Trunk

_POOL = partial(max_pool, window=3, stride=2)
_FC6_SIDE = 6  # of the maps that fc6 reads


class AlexNetStage(nn.Module):
    """A convolution and ReLU, with operations on the maps before and after them.

    Kernels begin normal with variance 2 / inputs (He et al., ICCV 2015) and biases at 0, from where
    a net of this depth learns without the tricks of its time. Krizhevsky et al. 2012 (section 5)
    have deviations of .01, and biases of 1 in conv2, conv4, conv5 and the hidden layers behind
    them; torchvision has uniform kernels and biases within 1 / sqrt(inputs).

    Attributes:
      features: number of output channels.
      kernel_size: side of the square kernel in pixels.
      stride: distance between the kernel's positions in pixels.
      padding: pixels of zeros on every side.
      groups: parts that the channels are split into, each with a convolution of its own.
      before: what is done to the maps first.
      after: what is done to the maps last.
    """

    features: int
    kernel_size: int
    stride: int = 1
    padding: int = 0
    groups: int = 1
    before: tuple[Operation, ...] = ()
    after: tuple[Operation, ...] = ()

    @nn.compact
    def __call__(
        self, maps: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> jax.Array:
        """Map [batch, height, width, channels] to [batch, height', width', features]."""
        for operation in self.before:
            maps = operation(maps)
        side, around = self.kernel_size, (self.padding, self.padding)
        shape = (side, side, maps.shape[-1] // self.groups, self.features)
        kernel = self.param("kernel", he_normal, shape)
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        maps = convolution(
            maps, kernel, stride=self.stride, padding=(around, around), groups=self.groups
        )
        maps = nn.relu(maps + bias[None, None, None])
        for operation in self.after:
            maps = operation(maps)
        return maps


def alexnet_2014(*, classes: int = 1000, pooled: bool = True, dropout: float = 0.5) -> Trunk:
    """AlexNet for one GPU (Krizhevsky 2014, "One weird trick"), as torchvision has it.

    It begins with other weights than theirs: see `AlexNetStage`.

    For [batch, 224, 224, 3] images, RGB in 0..1, normalised by ImageNet's mean and deviation. Of
    another size, from 63 pixels on, the maps behind conv5 are averaged to 6x6 as in torchvision.

    Args:
      classes: number of outputs of fc8.
      pooled: whether conv1, conv2 and conv5 end behind their max pool; if not, they end before it
        and the next stage begins with it: the same function, other taps.
      dropout: share of the inputs of fc6 and fc7 zeroed while training.

    Returns:
      A trunk of the stages conv1 ... conv5, fc6, fc7, fc8; 61,100,840 parameters.
    """
    end, start = _ends((_POOL,), pooled)
    to_fc6 = partial(adaptive_average_pool, side=_FC6_SIDE)
    return Trunk(
        (
            ("conv1", partial(AlexNetStage, 64, 11, stride=4, padding=2, after=end)),
            ("conv2", partial(AlexNetStage, 192, 5, padding=2, before=start, after=end)),
            ("conv3", partial(AlexNetStage, 384, 3, padding=1, before=start)),
            ("conv4", partial(AlexNetStage, 256, 3, padding=1)),
            ("conv5", partial(AlexNetStage, 256, 3, padding=1, after=end)),
            ("fc6", partial(FullStage, 4096, dropout=dropout, before=(*start, to_fc6))),
            ("fc7", partial(FullStage, 4096, dropout=dropout)),
            ("fc8", partial(FullStage, classes, relu=False)),
        )
    )


def alexnet_2012(
    *,
    classes: int = 1000,
    pooled: bool = True,
    dropout: float = 0.5,
    normalise: Operation = local_response_norm,
) -> Trunk:
    """AlexNet of the paper (Krizhevsky et al. 2012), as one net with split convolutions.

    It begins with other weights than the paper's: see `AlexNetStage`.

    For [batch, 227, 227, 3] images, channels in 0..255 minus their mean; fc6 fits no size whose
    maps behind conv5 are not 6x6.

    Args:
      classes: number of outputs of fc8.
      pooled: whether conv1, conv2 and conv5 end behind their max pool (conv1 and conv2: behind
        normalisation and pool); if not, they end before it and the next stage begins with it: the
        same function, other taps.
      dropout: share of the outputs of fc6 and fc7 zeroed, on the way on, while training.
      normalise: local response normalisation after conv1 and conv2. The default is the paper's
        (k = 2, alpha not divided); weights trained with Caffe need its own,
        `partial(local_response_norm, k=1.0, alpha=1e-4 / 5)`.

    Returns:
      A trunk of the stages conv1 ... conv5, fc6, fc7, fc8; 60,965,224 parameters.
    """
    end, start = _ends((normalise, _POOL), pooled)
    last_end, last_start = _ends((_POOL,), pooled)
    return Trunk(
        (
            ("conv1", partial(AlexNetStage, 96, 11, stride=4, after=end)),
            ("conv2", partial(AlexNetStage, 256, 5, padding=2, groups=2, before=start, after=end)),
            ("conv3", partial(AlexNetStage, 384, 3, padding=1, before=start)),
            ("conv4", partial(AlexNetStage, 384, 3, padding=1, groups=2)),
            ("conv5", partial(AlexNetStage, 256, 3, padding=1, groups=2, after=last_end)),
            ("fc6", partial(FullStage, 4096, before=last_start)),
            ("fc7", partial(FullStage, 4096, dropout=dropout)),
            ("fc8", partial(FullStage, classes, relu=False, dropout=dropout)),
        )
    )


def _ends(
    operations: tuple[Operation, ...], pooled: bool
) -> tuple[tuple[Operation, ...], tuple[Operation, ...]]:
    """What a stage ends with and the next one starts with, of the operations between them."""
    return (operations, ()) if pooled else ((), operations)


def adaptive_average_pool(maps: jax.Array, *, side: int) -> jax.Array:
    """Average maps of any size to `side` x `side`, as `torch.nn.AdaptiveAvgPool2d` does.

    The n pixels of an axis are averaged over windows from floor(i n / side) to ceil((i + 1) n /
    side), which overlap unless `side` divides n.

    Args:
      maps: [batch, height, width, channels].
      side: height and width of the result.

    Returns:
      [batch, side, side, channels].
    """
    if maps.shape[1:3] == (side, side):
        return maps
    rows, columns = (_averages(size, side) for size in maps.shape[1:3])
    return jnp.einsum("ih,jw,bhwc->bijc", rows, columns, maps).astype(jnp.result_type(maps, float))


def _averages(size: int, side: int) -> np.ndarray:
    """The weights [side, size] of the pixels in each average."""
    position, window = np.arange(size), np.arange(side)[:, None]
    inside = (position >= window * size // side) & (position < -(-(window + 1) * size // side))
    return (inside / inside.sum(axis=1, keepdims=True)).astype(np.float32)
