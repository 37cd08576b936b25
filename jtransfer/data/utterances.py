"""Labelled utterances of several speakers in memory."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from jtransfer.data.examples import DataError, require_distinct_classes
from jtransfer.data.sources.wav import resample


@dataclass(frozen=True, eq=False)
class Utterances:
    """Labelled utterances in memory.

    Attributes:
      samples: n arrays [length] float32, of mono sound around -1 to 1.
      labels: [n] int32, positions in `classes`.
      speakers: [n] int32, positions in `speaker_names`.
      classes: what may be said.
      speaker_names: who speaks.
      rate: samples a second.
      name: where they come from, for messages and figures.
      notes: what was changed while reading, in sentences.

    Raises:
      DataError: if the arrays do not fit each other, or there is nothing.
    """

    samples: tuple[np.ndarray, ...]
    labels: np.ndarray
    speakers: np.ndarray
    classes: tuple[str, ...]
    speaker_names: tuple[str, ...]
    rate: int
    name: str
    notes: tuple[str, ...] = ()

    def __post_init__(self):
        """Check that everything fits."""
        require_distinct_classes(self)
        count = len(self.samples)
        if not count:
            raise DataError(f"{self.name} has no utterance; expected at least one. Add some")
        for what, values, names in (
            ("labels", self.labels, self.classes),
            ("speakers", self.speakers, self.speaker_names),
        ):
            if values.shape != (count,) or values.min() < 0 or values.max() >= len(names):
                raise DataError(
                    f"{self.name}: {what} of shape {values.shape} for {count:,} utterances and "
                    f"{len(names)} names; expected one number from 0 to {len(names) - 1} for each"
                )
            object.__setattr__(self, what, values.astype(np.int32))
        empty = [place for place, each in enumerate(self.samples) if not len(each)]
        if empty:
            raise DataError(
                f"{self.name}: utterance {empty[0]} has no sample; expected sound. Leave it out"
            )

    def __len__(self) -> int:
        """Number of utterances."""
        return len(self.samples)

    def take(self, indices: np.ndarray) -> "Utterances":
        """The utterances at the given positions, in that order."""
        return replace(
            self,
            samples=tuple(self.samples[index] for index in indices),
            labels=self.labels[indices],
            speakers=self.speakers[indices],
        )

    def resampled(self, rate: int) -> "Utterances":
        """All utterances at another rate."""
        samples = tuple(resample(each, self.rate, rate) for each in self.samples)
        return replace(self, samples=samples, rate=rate)

    def padded(self, longest: int) -> tuple[np.ndarray, np.ndarray]:
        """All samples in one array.

        Args:
          longest: samples kept of each. A longer utterance is cut to its stretch of most energy.

        Returns:
          Samples [n, longest] float32, zero behind an utterance's end, and lengths [n] int32.
        """
        array = np.zeros((len(self), longest), np.float32)
        lengths = np.minimum([len(each) for each in self.samples], longest).astype(np.int32)
        for row, each, length in zip(array, self.samples, lengths, strict=True):
            start = _loudest(each, longest)
            row[:length] = each[start : start + length]
        return array, lengths

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with any sample, label, speaker or name."""
        names = (self.classes, self.speaker_names, self.rate, [len(each) for each in self.samples])
        digest = hashlib.sha256(repr(names).encode())
        for each in (*self.samples, self.labels, self.speakers):
            digest.update(np.ascontiguousarray(each).tobytes())
        return digest.hexdigest()[:16]


def per_speaker_split(
    utterances: Utterances, speaker: int, *, each: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw `each` utterances of every class of a speaker to adapt on; the others are to test.

    Args:
      utterances: of all speakers.
      speaker: position in `speaker_names`.
      each: utterances a class to adapt on. Those drawn for fewer are among those drawn for more.
      seed: of the draw.

    Returns:
      Positions to adapt on, [classes * each], and all others of the speaker, both ascending.

    Raises:
      DataError: naming the classes of which the speaker has too few.
    """
    if each < 1:
        raise DataError(f"{each} utterances a class; expected at least 1 to adapt on")
    own = np.flatnonzero(utterances.speakers == speaker)
    labels = utterances.labels[own]
    counts = np.bincount(labels, minlength=len(utterances.classes))
    few = np.flatnonzero(counts <= each)
    if few.size:
        named = ", ".join(f"{counts[label]} of {utterances.classes[label]!r}" for label in few)
        raise DataError(
            f"{utterances.name}: speaker {utterances.speaker_names[speaker]!r} has only {named}; "
            f"expected at least {each + 1} of every class, {each} to adapt on and 1 to test. Adapt "
            "on fewer, or leave the speaker or the class out"
        )
    random = np.random.default_rng((seed, speaker))
    drawn = [
        random.permutation(own[labels == label])[:each] for label in range(len(utterances.classes))
    ]
    adapt = np.sort(np.concatenate(drawn))
    return adapt, np.setdiff1d(own, adapt)


def _loudest(samples: np.ndarray, longest: int) -> int:
    """Where the stretch of `longest` samples with the most energy begins."""
    if len(samples) <= longest:
        return 0
    energy = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    return int(np.argmax(energy[longest:] - energy[:-longest]))
