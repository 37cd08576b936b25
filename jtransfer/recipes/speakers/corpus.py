"""Utterances of several speakers as a net takes them, on the device."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.mel import FrontEnd, normalise
from jtransfer.data.utterances import Utterances
from jtransfer.nets.acoustic import Frames, acoustic_net
from jtransfer.nets.classifier import Classifier
from jtransfer.nets.initial import initial
from jtransfer.train.evaluation import map_batches

_CHUNK = 500  # utterances whose features are computed at a time


@dataclass(frozen=True)
class Corpus:
    """Utterances and their features, which lie on the device.

    Attributes:
      utterances: of all speakers.
      frames: normalised log-mel frames [n, frames, bands].
      mask: [n, frames], True within the utterance.
      labels: [n].
      cut: how many utterances were longer than the frames hold, and are cut.
    """

    utterances: Utterances
    frames: jax.Array
    mask: jax.Array
    labels: jax.Array
    cut: int

    @classmethod
    def build(cls, utterances: Utterances, *, longest: float = 0.8) -> "Corpus":
        """Compute the features of at most `longest` seconds of every utterance.

        Args:
          utterances: a caller's own, or from `jt.load_speech`.
          longest: seconds.

        Raises:
          DataError: if there are fewer than three speakers.
        """
        if len(utterances.speaker_names) < 3:
            raise DataError(
                f"{utterances.name} has the speakers {utterances.speaker_names}; expected at least "
                "3: one to adapt to, one to choose settings on, and others to train on"
            )
        most = round(longest * utterances.rate)
        samples, lengths = utterances.padded(most)
        front_end = FrontEnd(utterances.rate)
        features = jax.jit(lambda *batch: _features(front_end, *batch))
        places = np.arange(len(utterances))
        frames, mask = map_batches(
            lambda part: features(samples[part], lengths[part]), places, batch=_CHUNK
        )
        cut = sum(len(each) > most for each in utterances.samples)
        labels = jnp.asarray(utterances.labels)
        return cls(utterances, jnp.asarray(frames), jnp.asarray(mask), labels, cut)

    def images(self, positions: Any) -> Frames:
        """Frames and mask of some utterances."""
        return self.frames[positions], self.mask[positions]

    def net(self) -> Classifier:
        """The acoustic model for these classes."""
        return acoustic_net(classes=len(self.utterances.classes))

    def fresh(self, *, seed: int) -> dict[str, Any]:
        """Newly initialised variables."""
        return initial(self.net(), jax.random.key(seed), self.images(slice(0, 1)))

    @property
    def constants(self) -> Mapping[str, Any]:
        """What a step gathers its batch from."""
        return {"image": (self.frames, self.mask), "label": self.labels}


def _features(front_end: FrontEnd, samples: jax.Array, lengths: jax.Array) -> Frames:
    frames, mask = front_end.log_mel(samples, lengths)
    return normalise(frames, mask), mask
