"""A net that reads images of two domains into one code and writes each domain's images from it.

The parts are those of image translation for domain adaptation (Murez et al., CVPR 2018): a shared
encoder, a decoder a domain whose first layers are shared, a label head and a discriminator of three
dense layers on the code, and a discriminator of three convolutions on each domain's images. The
widths are chosen for digits on two cores.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from jtransfer.nets.ganin import AdaptationNet
from jtransfer.nets.parts.layers import Conv, Dense
from jtransfer.nets.parts.stages import FullStage
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk

# The discriminators' slope below zero (Radford, Metz & Chintala, ICLR 2016).
_LEAK = 0.2


class CodeReader(nn.Module):
    """From codes to maps: a dense layer, ReLU, a 3x3 convolution that doubles the side, ReLU.

    Attributes:
      side: of the maps behind the dense layer, in pixels.
      width: channels of the result; there are twice as many behind the dense layer.
    """

    side: int
    width: int

    @nn.compact
    def __call__(self, codes: jax.Array) -> jax.Array:
        """Map [batch, code] to [batch, 2 * side, 2 * side, width]."""
        shape = (self.side, self.side, 2 * self.width)
        maps = nn.relu(Dense(math.prod(shape), name="fc1")(codes)).reshape(-1, *shape)
        return nn.relu(_doubled(Conv(4 * self.width, 3, padding="SAME", name="conv2")(maps)))


class ImageWriter(nn.Module):
    """From maps to images of twice the side: two 3x3 convolutions, a sigmoid at the end.

    The first one's maps are normalised, those of each image together. For the images of a domain
    that are mostly black, black is what L1 asks for at first, and ReLUs and sigmoids that have gone
    there do not come back.

    Attributes:
      width: channels behind the first convolution.
      channels: of the images.
    """

    width: int
    channels: int

    @nn.compact
    def __call__(self, maps: jax.Array) -> jax.Array:
        """Map [batch, height, width, channels] to images in 0..1."""
        maps = Conv(self.width, 3, padding="SAME", name="conv1")(maps)
        # The fast variance is a difference of squares: rounding, where the mean is large.
        norm = nn.GroupNorm(num_groups=1, use_fast_variance=False, name="norm1")
        maps = nn.relu(norm(maps))
        return nn.sigmoid(_doubled(Conv(4 * self.channels, 3, padding="SAME", name="out")(maps)))


class ImageHead(nn.Module):
    """Three convolutions that judge every part of an image: 4x4 stride 2, twice, then 3x3.

    Attributes:
      widths: channels behind the first two convolutions.
    """

    widths: tuple[int, int]

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        """Logits [batch, height / 4, width / 4] of [batch, height, width, channels] images."""
        maps = images
        for number, width in enumerate(self.widths, start=1):
            # A 4x4 convolution of stride 2 is a 2x2 one of squares of four pixels.
            squares = _space_to_depth(jnp.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0))))
            maps = nn.leaky_relu(Conv(width, 2, name=f"conv{number}")(squares), _LEAK)
        return Conv(1, 3, padding="SAME", name="out")(maps)[..., 0]


class TranslationNet(AdaptationNet, kw_only=True):
    """An adaptation net whose features can be turned back into images of either domain.

    The trunk's features are the code; the domain head is the discriminator of codes.

    Attributes:
      code_reader: the first layers of both decoders.
      image_writers: the last layers of each domain's decoder.
      image_heads: the discriminators of each domain's images.
    """

    code_reader: CodeReader
    image_writers: tuple[ImageWriter, ImageWriter]
    image_heads: tuple[ImageHead, ImageHead]

    def __call__(
        self, images: jax.Array, *, train: bool = False, domains: tuple[int, ...] = (0,)
    ) -> tuple[jax.Array, jax.Array]:
        """Class logits [batch, classes] and domain logits [batch] of [batch, h, w, c] images."""
        if self.is_initializing():
            codes = self.features(images)
            for domain in (0, 1):
                self.judge(self.decode(codes, domains=(domain,)), domains=(domain,))
        return super().__call__(images, train=train, domains=domains)

    def decode(self, codes: jax.Array, *, domains: tuple[int, ...]) -> jax.Array:
        """Images [batch, height, width, channels] of the given domains, in 0..1.

        As in `features`, the domains are those of equal consecutive parts of the batch.
        """
        return _by_domain(self.image_writers, self.code_reader(codes), domains)

    def judge(self, images: jax.Array, *, domains: tuple[int, ...]) -> jax.Array:
        """Scores [batch, rows, columns] of how real each part of an image is in its domain."""
        return _by_domain(self.image_heads, images, domains)


def translation_net(
    *,
    classes: int = 10,
    channels: int = 1,
    size: int = 28,
    width: int = 32,
    code: int = 128,
    norm: bool = True,
) -> TranslationNet:
    """A net for small square images in 0..1.

    conv5x5, pool, conv5x5, pool, fc (the code) | label fc100, fc | domain fc100, fc100, fc1.

    Args:
      classes: outputs of the label head.
      channels: of the images.
      size: side of the images in pixels, a multiple of four.
      width: channels of the first convolution.
      code: features that an image is read into.
      norm: batch norm per domain in the encoder.

    Raises:
      ValueError: if `size` is not a multiple of four.
    """
    if size % 4:
        raise ValueError(
            f"the images' side is {size}; expected a multiple of four, such as 28 or 32: resize "
            "or pad them"
        )
    stages = (
        ("conv1", partial(ConvStage, width, 5, "SAME", pool=(2, 2), norm=norm)),
        ("conv2", partial(ConvStage, 3 * width // 2, 5, pool=(2, 2), norm=norm)),
        ("fc3", partial(FullStage, code)),
    )
    return TranslationNet(
        Trunk(stages),
        label_head=Head((100,), classes),
        domain_head=Head((100, 100), 1),
        code_reader=CodeReader(size // 4, width),
        image_writers=(ImageWriter(width, channels), ImageWriter(width, channels)),
        image_heads=(ImageHead((width, 2 * width)), ImageHead((width, 2 * width))),
    )


def _by_domain(
    modules: Sequence[Callable[[jax.Array], jax.Array]], inputs: jax.Array, domains: tuple[int, ...]
) -> jax.Array:
    parts = jnp.split(inputs, len(domains))
    return jnp.concatenate(
        [modules[domain](part) for domain, part in zip(domains, parts, strict=True)]
    )


def _doubled(maps: jax.Array) -> jax.Array:
    """Every pixel's channels as four pixels with a quarter of the channels each.

    Behind a convolution it makes a sub-pixel convolution (Shi et al., CVPR 2016): a transposed one
    whose arithmetic is all done at the lower resolution.
    """
    batch, height, width, channels = maps.shape
    maps = maps.reshape(batch, height, width, 2, 2, channels // 4).transpose(0, 1, 3, 2, 4, 5)
    return maps.reshape(batch, 2 * height, 2 * width, channels // 4)


def _space_to_depth(maps: jax.Array) -> jax.Array:
    batch, height, width, channels = maps.shape
    maps = maps.reshape(batch, height // 2, 2, width // 2, 2, channels).transpose(0, 1, 3, 2, 4, 5)
    return maps.reshape(batch, height // 2, width // 2, 4 * channels)
