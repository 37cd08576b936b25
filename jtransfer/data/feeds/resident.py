"""Small data sets that live on the device: the host only counts, batches are gathered there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zlib import crc32

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.data.feeds.order import shuffled_positions
from jtransfer.labels import check_field

Transform = Callable[[jax.Array], jax.Array]


@dataclass(frozen=True)
class Domain:
    """One domain of a resident feed.

    Attributes:
      fields: arrays with one leading axis, such as `image` [n, h, w, c] uint8 and `label` [n],
        which is checked by `jtransfer.labels.check_field`.
      batch: examples a step.
      transform: applied to the gathered images inside the compiled step; None leaves them.
    """

    fields: Mapping[str, Any]
    batch: int
    transform: Transform | None = None

    def __post_init__(self):
        """Check that the fields agree and fill at least one batch."""
        lengths = {name: len(values) for name, values in self.fields.items()}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"fields of one domain differ in length: {lengths}")
        if not 1 <= self.batch <= len(self):
            raise ValueError(
                f"a batch of {self.batch} cannot be drawn from {len(self):,} examples; expected 1 "
                "to that many. Give more data, or another batch"
            )
        if "label" in self.fields:
            check_field(self.fields["label"])

    def __len__(self) -> int:
        """Number of examples."""
        return len(next(iter(self.fields.values())))


@dataclass(frozen=True)
class ResidentFeed:
    """Batches of several domains, each shuffled anew every epoch, all on the device.

    A batch is a pure function of (seed, step), so that a resumed run sees what it would have seen.

    Attributes:
      domains: name of each domain in the batch to what it holds.
      seed: of the order of the examples.
    """

    domains: Mapping[str, Domain]
    seed: int = 0

    def __enter__(self) -> "ResidentFeed":
        """Itself, as a feed of files is used; there is nothing to close."""
        return self

    def __exit__(self, *raised: object) -> None:
        """Nothing."""

    @property
    def examples_per_step(self) -> int:
        """Examples of all domains in one batch."""
        return sum(domain.batch for domain in self.domains.values())

    @cached_property
    def constants(self) -> dict[str, dict[str, jax.Array]]:
        """The arrays of every domain, on the device."""
        return {
            name: {key: jax.device_put(values) for key, values in domain.fields.items()}
            for name, domain in self.domains.items()
        }

    def inputs(self, step: int) -> dict[str, np.ndarray]:
        """The examples of a step: {domain: [batch] int32 positions}."""
        return {
            name: shuffled_positions(
                len(domain), domain.batch, step=step, seed=(self.seed, crc32(name.encode()))
            )
            for name, domain in self.domains.items()
        }

    def gather(self, constants: Any, inputs: Any) -> dict[str, dict[str, jax.Array]]:
        """Take the examples from the resident arrays and transform the images; pure."""
        return {
            name: taken(constants[name], positions, self.domains[name].transform)
            for name, positions in inputs.items()
        }


def taken(fields: Mapping[str, Any], positions: Any, transform: Transform | None) -> dict[str, Any]:
    """The examples at some positions of one domain's arrays, the images transformed; pure."""
    found = {key: values[positions] for key, values in fields.items()}
    if transform is not None:
        found["image"] = transform(found["image"])
    return found


def channel_means(images: np.ndarray) -> np.ndarray:
    """Mean of each channel of uint8 images [n, h, w, c] on the 0..1 scale: [c] float32."""
    return (images.mean(axis=(0, 1, 2), dtype=np.float64) / 255.0).astype(np.float32)


def centred(means: np.ndarray) -> Transform:
    """The transform from uint8 images to float32 in 0..1 minus `means`, one value a channel."""
    means = np.asarray(means, np.float32)

    def transform(images: jax.Array) -> jax.Array:
        return images.astype(jnp.float32) / 255.0 - means[None, None, None]

    return transform


def standardised(images: jax.Array, *, flat: float = 0.05) -> jax.Array:
    """Every channel of every uint8 image [n, h, w, c] to mean 0 and deviation 1, float32.

    Takes away how bright and how contrasted an image is (Shu et al., ICLR 2018, section 6.1, whose
    nets begin with it). `flat`, on the 0..1 scale, is added to the deviation, so that the noise of
    an even image stays small.
    """
    pixels = images.astype(jnp.float32) / 255.0
    mean, deviation = (of(pixels, axis=(1, 2), keepdims=True) for of in (jnp.mean, jnp.std))
    return (pixels - mean) / (deviation + flat)
