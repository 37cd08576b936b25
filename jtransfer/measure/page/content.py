"""What a page reports: plain values, each part of which may be left out.

A share is a number between 0 and 1. Classes are named by their names; names of files are shown as
they are given, so give them relative to the folder that the page is about.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

_LARGEST = 32 * 1024  # bytes of a thumbnail


@dataclass(frozen=True)
class Share:
    """A share, such as an accuracy, with its interval where one is known.

    Attributes:
      value: between 0 and 1.
      low: end of the interval, or None.
      high: the other end, or None.

    Raises:
      ValueError: if a number is no share, or the ends are the wrong way round.
    """

    value: float
    low: float | None = None
    high: float | None = None

    def __post_init__(self):
        """Check the numbers where they enter."""
        _check_shares("a share", (self.value, self.low, self.high))
        if (self.low is None) != (self.high is None):
            raise ValueError(f"an interval from {self.low} to {self.high}; expected both ends")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(
                f"an interval from {self.low:g} to {self.high:g}; expected the lower end first"
            )


@dataclass(frozen=True)
class Estimate:
    """How often the model will be right on new images.

    Attributes:
      overall: the number that people should remember, with its interval.
      measure: what it is a share of, such as "mean accuracy per class".
      how: how it was found, a sentence or two.
      by_class: of each of the report's classes, in their order; None where there is none.
      counts: images of each of the report's classes that it was estimated on.
    """

    overall: Share
    measure: str = "mean accuracy per class"
    how: str = ""
    by_class: Sequence[Share | None] = ()
    counts: Sequence[int] = ()


@dataclass(frozen=True)
class Candidate:
    """One of the ways that were tried.

    Attributes:
      trunk: name of the net, such as "efficientnet_lite0".
      layer: of it.
      probe: what was fitted to the layer, such as "svm", or how the net was fine-tuned.
      accuracy: by cross-validation.
      seconds: that it took, or None.
      chosen: whether it is what the model is made of.
    """

    trunk: str
    layer: str
    probe: str
    accuracy: Share
    seconds: float | None = None
    chosen: bool = False


@dataclass(frozen=True)
class Sample:
    """One image, by its name and thumbnail, and what was said of it.

    Attributes:
      file: its name.
      thumbnail: a JPEG or PNG (see `thumbnail`), or None for a name without a picture.
      label: class that it was given, or "".
      guess: class that the model takes it for, or "".
      probability: of the guess, or None.
      note: anything else, in a few words.

    Raises:
      ValueError: if the thumbnail is neither JPEG nor PNG or over 32 KiB, or the probability no
        share.
    """

    file: str
    thumbnail: bytes | None = None
    label: str = ""
    guess: str = ""
    probability: float | None = None
    note: str = ""

    def __post_init__(self):
        """Check the values where they enter."""
        _check_shares("a probability", (self.probability,))
        if self.thumbnail is not None:
            media_type(self.thumbnail)
            if len(self.thumbnail) > _LARGEST:
                raise ValueError(
                    f"a thumbnail of {len(self.thumbnail):,} bytes; expected at most {_LARGEST:,}, "
                    "such as `thumbnail` makes of an image"
                )


@dataclass(frozen=True)
class ConfusedPair:
    """Two classes of which one is taken for the other.

    Attributes:
      label: the true class.
      guess: the class that it is taken for.
      count: how often.
      samples: some of the images.
    """

    label: str
    guess: str
    count: int
    samples: Sequence[Sample] = ()


@dataclass(frozen=True)
class Duplicates:
    """Images that are the same, or nearly.

    Attributes:
      samples: two or more of them; `note` may say of each which split it is in.
      exact: the same bytes, or else alike to the eye.
      why: what is wrong with that, such as "in train and test", or "" for a mere repetition.
    """

    samples: Sequence[Sample]
    exact: bool = True
    why: str = ""


@dataclass(frozen=True)
class ReliabilityBin:
    """The examples whose confidence is between two bounds.

    Attributes:
      confidence: their mean probability of the guess.
      accuracy: share of them that are right.
      count: how many.
    """

    confidence: float
    accuracy: float
    count: int

    def __post_init__(self):
        """Check the numbers where they enter."""
        _check_shares("a bin of reliability", (self.confidence, self.accuracy))


@dataclass(frozen=True)
class Calibration:
    """Whether probabilities mean what they say, before and after a temperature.

    Attributes:
      before: bins of the probabilities as the probe gave them; empty ones may be left out.
      after: bins of those at the temperature.
      temperature: that logits are divided by.
      error_before: expected calibration error before, a share.
      error_after: likewise after.
    """

    before: Sequence[ReliabilityBin]
    after: Sequence[ReliabilityBin]
    temperature: float
    error_before: float
    error_after: float


@dataclass(frozen=True, eq=False)
class ImageMap:
    """The images as points of the plane.

    Attributes:
      points: [n, 2] finite numbers.
      samples: n of them; the colour is the label's, what has none is grey.
      method: how the points were found, such as "t-SNE of layer conv5".
      title: its heading, where there are several maps.
      classes: names of the samples' labels, where these are others than the report's.
    """

    points: NDArray
    samples: Sequence[Sample]
    method: str = ""
    title: str = ""
    classes: Sequence[str] = ()

    def __post_init__(self):
        """Check the points where they enter."""
        points = np.asarray(self.points)
        if points.shape != (len(self.samples), 2) or not np.isfinite(points).all():
            raise ValueError(
                f"points {points.shape} of {len(self.samples)} samples; expected finite numbers "
                "[n, 2], a point for each sample"
            )


@dataclass(frozen=True)
class Gallery:
    """Some images side by side.

    Attributes:
      title: its heading.
      samples: of them.
      note: a sentence above them.
    """

    title: str
    samples: Sequence[Sample]
    note: str = ""


@dataclass(frozen=True)
class Table:
    """A table of anything, such as the images of each class and split.

    Attributes:
      title: its heading.
      columns: their names.
      rows: of texts and numbers, as many as there are columns in each.
      note: a sentence beneath it.

    Raises:
      ValueError: if a row has another length.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | int | float]]
    note: str = ""

    def __post_init__(self):
        """Check the rows where they enter."""
        for number, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ValueError(
                    f"row {number} of {self.title!r} has {len(row)} cells; expected "
                    f"{len(self.columns)}, one for each column"
                )


@dataclass(frozen=True)
class Unreadable:
    """A file that was passed over, and why."""

    file: str
    why: str


@dataclass(frozen=True)
class Command:
    """Something to do next: what for, and the command or the lines of Python."""

    what: str
    text: str


@dataclass(frozen=True)
class Notice:
    """A sentence that should not be overlooked."""

    text: str
    kind: Literal["note", "warning"] = "note"


@dataclass(frozen=True, eq=False)
class Report:
    """The content of a page; what is empty or None has no section.

    Attributes:
      title: of the page.
      summary: a sentence or two below it.
      facts: (name, value) of what was given: the folder, numbers of images and classes, versions.
      notices: warnings first.
      classes: their names, in the order of the arrays below.
      estimate: how often the model is right.
      candidates: what was tried.
      comparisons: tables of what was tried, by other numbers than one accuracy.
      choice: why one of them was chosen.
      galleries: some of the images, such as those of two domains.
      confusion: [classes, classes] counts; rows are true classes, columns guesses.
      confused: pairs of classes that are taken for each other, the most frequent first.
      mistakes: samples that the model is wrong on, the surest first.
      doubtful: samples whose label the other images speak against, the most doubtful first; `guess`
        is the class that they speak for.
      duplicates: groups of the same image, those that matter first.
      calibration: what the probabilities are worth.
      threshold: what is answered by "I don't know", and what that brings, in a sentence.
      maps: the images in the plane.
      tables: others.
      unreadable: files that were passed over.
      commands: how to predict, to export, and what else to do next.

    Raises:
      ValueError: if an array or list does not fit the classes.
    """

    title: str
    summary: str = ""
    facts: Sequence[tuple[str, str]] = ()
    notices: Sequence[Notice] = ()
    classes: Sequence[str] = ()
    estimate: Estimate | None = None
    candidates: Sequence[Candidate] = ()
    comparisons: Sequence[Table] = ()
    choice: str = ""
    galleries: Sequence[Gallery] = ()
    confusion: NDArray | None = None
    confused: Sequence[ConfusedPair] = ()
    mistakes: Sequence[Sample] = ()
    doubtful: Sequence[Sample] = ()
    duplicates: Sequence[Duplicates] = ()
    calibration: Calibration | None = None
    threshold: str = ""
    maps: Sequence[ImageMap] = ()
    tables: Sequence[Table] = ()
    unreadable: Sequence[Unreadable] = ()
    commands: Sequence[Command] = ()

    def __post_init__(self):
        """Check what belongs to the classes."""
        k = len(self.classes)
        if self.estimate is not None:
            for name in ("by_class", "counts"):
                given = len(getattr(self.estimate, name))
                if given not in (0, k):
                    raise ValueError(
                        f"{name} of the estimate has {given} entries for {k} classes; expected one "
                        "for each, or none"
                    )
        if self.confusion is not None:
            counts = np.asarray(self.confusion)
            if counts.shape != (k, k) or not np.isfinite(counts).all() or (counts < 0).any():
                raise ValueError(
                    f"the confusion matrix has shape {counts.shape} for {k} classes; expected "
                    "[classes, classes] counts, none negative"
                )


def media_type(picture: bytes) -> str:
    """Media type of a JPEG or PNG, told by its first bytes.

    Raises:
      ValueError: if it is neither.
    """
    if picture.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if picture.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    raise ValueError(
        f"a picture that begins with {picture[:8]!r}; expected a JPEG or PNG, such as `thumbnail` "
        "makes"
    )


def _check_shares(what: str, values: Sequence[float | None]) -> None:
    for value in values:
        if value is not None and not (math.isfinite(value) and 0 <= value <= 1):
            raise ValueError(f"{what} of {value}; expected a number between 0 and 1")
