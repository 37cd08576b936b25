"""What a translation net makes of images: itself again, the other domain's, and back."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from jtransfer.measure.samples import samples_figure


class Translations(NamedTuple):
    """Images made from images, all [batch, height, width, channels] in 0..1.

    Attributes:
      identity: written from the code by the images' own decoder.
      translated: written from the code by the other domain's decoder.
      cycled: the translated ones, translated back.
    """

    identity: jax.Array
    translated: jax.Array
    cycled: jax.Array


def translations(net: nn.Module, variables: Any, images: jax.Array, *, domain: int) -> Translations:
    """Translate images as at test time.

    Args:
      net: such as `jtransfer.nets.translation.TranslationNet`.
      variables: `{"params": state.params, **state.stats}`.
      images: [batch, height, width, channels] in 0..1.
      domain: which they are of, 0 for the source and 1 for the target.

    Raises:
      ValueError: if the domain is neither.
    """
    if domain not in (0, 1):
        raise ValueError(f"domain is {domain}; expected 0 for the source or 1 for the target")
    own, other = (domain,), (1 - domain,)

    def encode(images: jax.Array, domains: tuple[int, ...]) -> Any:
        return net.apply(variables, images, domains=domains, method="features")

    def decode(codes: jax.Array, domains: tuple[int, ...]) -> Any:
        return net.apply(variables, codes, domains=domains, method="decode")

    codes = encode(images, own)
    translated = decode(codes, other)
    return Translations(decode(codes, own), translated, decode(encode(translated, other), own))


def translation_figure(
    net: nn.Module,
    variables: Any,
    path: str | Path,
    *,
    source: tuple[NDArray[np.uint8], NDArray],
    target: tuple[NDArray[np.uint8], NDArray],
    names: tuple[str, str] = ("source", "target"),
    classes: Sequence[str],
    columns: int = 12,
) -> None:
    """Draw images of both domains, below them their translations, below these the way back.

    Args:
      net: such as `jtransfer.nets.translation.TranslationNet`.
      variables: `{"params": state.params, **state.stats}`.
      path: the PNG to write.
      source: images [n, height, width, 1 or 3] uint8, and their labels [n], drawn above every
        picture. The first `columns` are used; give them shuffled.
      target: as `source`.
      names: of the domains.
      classes: name of each class.
      columns: pictures in a row.
    """
    blocks = {}
    for domain, (images, labels) in enumerate((source, target)):
        images, labels = images[:columns], labels[:columns]
        make = jax.jit(partial(translations, net, domain=domain))
        made = make(variables, jnp.asarray(images, jnp.float32) / 255.0)
        own, other = names[domain], names[1 - domain]
        blocks[f"{own}, as it is"] = (images, labels)
        blocks[f"{own} → {other}"] = (_pixels(made.translated), labels)
        blocks[f"{own} → {other} → {own}"] = (_pixels(made.cycled), labels)
    title = f"{names[0]} and {names[1]}, translated and back"
    samples_figure(blocks, path, classes=classes, columns=columns, rows=1, title=title)


def _pixels(images: jax.Array) -> NDArray[np.uint8]:
    return np.round(np.asarray(images, np.float32) * 255.0).clip(0, 255).astype(np.uint8)
