"""The page that shows what came of a folder: the estimate, the mistakes, and what to do next."""

from pathlib import Path
from shlex import quote

import numpy as np
from threadpoolctl import threadpool_limits

from jtransfer.data.examples import DataError
from jtransfer.data.image_files import ImageFiles
from jtransfer.data.sources.decoding import read_rgb
from jtransfer.measure.calibration import Reliability
from jtransfer.measure.intervals import Interval
from jtransfer.measure.metrics import confusion_matrix
from jtransfer.measure.page import (
    Calibration,
    Candidate,
    Command,
    ConfusedPair,
    Estimate as ShownEstimate,
    ImageMap,
    Notice,
    ReliabilityBin,
    Report,
    Sample,
    Share,
    Table,
    Unreadable,
    thumbnail,
)
from jtransfer.recipes.own_folder.choice import Nested
from jtransfer.recipes.own_folder.description import why
from jtransfer.recipes.own_folder.estimate import Estimate
from jtransfer.recipes.own_folder.model import Model
from jtransfer.recipes.own_folder.report_findings import doubtful_labels, duplicated

_PAIRS, _OF_A_PAIR, _MISTAKES, _ON_MAP = 6, 4, 24, 300


def report_of(
    files: ImageFiles,
    judged_files: ImageFiles,
    nested: Nested,
    judged: Estimate,
    model: Model,
    features: np.ndarray,
    out: Path,
    *,
    workers: int = 2,
) -> Report:
    """What the page shows; the images are read again for duplicates and thumbnails.

    Args:
      files: the images that were used.
      judged_files: those of them that were judged.
      nested: the choices.
      judged: the estimate.
      model: that was made.
      features: [n, channels] of the judged images, as the probe reads them.
      out: the model's folder, for the commands.
      workers: threads that read the images.
    """
    show = _Shown(judged_files, judged.probabilities)
    accuracy, precision = judged.accuracy, judged.precision
    missing = model.about["data"]["passed_over"]
    return Report(
        title=files.name.removeprefix("folder:"),
        summary=(
            f"Right on {accuracy.value:.1%} of new images, averaged over the classes; with 95% "
            f"certainty between {accuracy.low:.1%} and {accuracy.high:.1%}."
        ),
        facts=[
            ("images", f"{len(files):,}"),
            ("classes", f"{len(files.classes):,}"),
            ("net", f"{model.trunk.name}, layer {model.layer}"),
            ("version", f"jtransfer {model.about['made_by']['versions']['jtransfer']}"),
        ],
        notices=[Notice(f"{len(missing):,} files could not be read and were left out.", "warning")][
            : bool(missing)
        ],
        classes=files.classes,
        estimate=ShownEstimate(
            _share(accuracy),
            how=judged.how,
            by_class=[_share(each) for each in judged.of_classes],
            counts=judged.counts,
        ),
        candidates=_candidates(nested, model),
        choice=f"{why(nested)} {model.about['choice']['fine_tuning']['why']}",
        confusion=confusion_matrix(show.guesses, judged_files.labels, len(files.classes)),
        confused=show.confused(),
        mistakes=show.mistakes(),
        doubtful=doubtful_labels(judged.probabilities, judged_files.labels, show.sample),
        duplicates=duplicated(files, lambda row: picture_of(files.paths[row]), workers=workers),
        tables=_of_test(model),
        calibration=Calibration(
            _bins(judged.before),
            _bins(judged.after),
            model.temperature,
            judged.before.error,
            judged.after.error,
        ),
        threshold=(
            "No guess is sure enough for the precision that was asked for."
            if precision is None
            else f"{_below(model.threshold)} {judged.sure:.1%} of new images get another answer, "
            f"and {precision.value:.1%} of these are right ({precision.low:.1%} to "
            f"{precision.high:.1%})."
        ),
        maps=[show.plane(features, f"principal components of {model.layer}")],
        unreadable=[Unreadable(file, "could not be read") for file in missing],
        commands=[
            Command(
                "Tell the classes of other images", f"jtransfer predict {quote(str(out))} IMAGES..."
            ),
            Command(
                "In Python",
                f"import jtransfer as jt\n\nmodel = jt.load_model({str(out)!r})\n"
                'said = model.predict(["a.jpg", "b.jpg"])\n'
                "said.names, said.confidence, said.unsure",
            ),
            Command("For a server", f"jtransfer export {quote(str(out))} --to stablehlo"),
        ],
    )


class _Shown:
    """The images as samples of the page."""

    def __init__(self, files: ImageFiles, probabilities: np.ndarray):
        self.files = files
        self.probabilities = probabilities
        self.guesses = probabilities.argmax(axis=1)
        self.confidence = probabilities.max(axis=1)
        wrong = np.flatnonzero(self.guesses != files.labels)
        self.wrong = wrong[np.argsort(-self.confidence[wrong], kind="stable")]
        self._made: dict[int, Sample] = {}

    def sample(self, row: int) -> Sample:
        if row not in self._made:
            path = self.files.paths[row]
            self._made[row] = Sample(
                "/".join(path.parts[-2:]),
                picture_of(path),
                self.files.classes[self.files.labels[row]],
                self.files.classes[self.guesses[row]],
                float(min(self.confidence[row], 1.0)),
            )
        return self._made[row]

    def confused(self) -> list[ConfusedPair]:
        """The most frequent pairs, each with its surest mistakes."""
        pairs: dict[tuple[int, int], list[int]] = {}
        for row in self.wrong.tolist():
            pair = int(self.files.labels[row]), int(self.guesses[row])
            pairs.setdefault(pair, []).append(row)
        names = self.files.classes
        frequent = sorted(pairs.items(), key=lambda item: -len(item[1]))[:_PAIRS]
        return [
            ConfusedPair(
                names[label],
                names[guess],
                len(rows),
                [self.sample(row) for row in rows[:_OF_A_PAIR]],
            )
            for (label, guess), rows in frequent
        ]

    def mistakes(self) -> list[Sample]:
        return [self.sample(row) for row in self.wrong[:_MISTAKES].tolist()]

    def plane(self, features: np.ndarray, method: str) -> ImageMap:
        """Some of the images along the two directions in which the features vary most."""
        rows = np.arange(len(features))
        if len(rows) > _ON_MAP:
            rows = np.sort(np.random.default_rng(0).permutation(rows)[:_ON_MAP])
        return ImageMap(
            principal_plane(features[rows]), [self.sample(row) for row in rows.tolist()], method
        )


def _below(threshold: float) -> str:
    if threshold <= 0:
        return (
            'All guesses together have the precision that was asked for: none is "I don\'t know". '
            "Where that was judged,"
        )
    return f'A guess whose probability is below {threshold:.3f} is "I don\'t know".'


def _of_test(model: Model) -> list[Table]:
    test = model.about.get("test")
    if test is None:
        return []
    accuracy = test["accuracy"]
    row = (
        test["images"],
        f"{accuracy['value']:.1%}",
        f"{accuracy['low']:.1%} to {accuracy['high']:.1%}",
        f"{test['calibration_error']:.3f}",
    )
    return [
        Table(
            "The folder's own test images",
            ("images", "mean accuracy per class", "95% interval", "calibration error"),
            [row],
            "Nothing was learned from them or chosen by them.",
        )
    ]


def principal_plane(features: np.ndarray) -> np.ndarray:
    """Features [n, dims] along the two directions in which they vary most, [n, 2]."""
    centred = np.asarray(features, np.float64)
    centred = centred - centred.mean(axis=0)
    with threadpool_limits(1, user_api="blas"):  # several threads wait more than they compute
        if len(centred) > centred.shape[1]:
            return centred @ np.linalg.eigh(centred.T @ centred)[1][:, :-3:-1]
        variances, directions = np.linalg.eigh(centred @ centred.T)
    return (directions * np.sqrt(np.maximum(variances, 0)))[:, :-3:-1]


def picture_of(path: Path) -> bytes | None:
    """A thumbnail of an image file; None where it cannot be read."""
    try:
        return thumbnail(np.asarray(read_rgb(path)))
    except DataError:  # it was there a moment ago
        return None


def _candidates(nested: Nested, model: Model) -> list[Candidate]:
    chosen, tuning = str(nested.whole.candidate), model.about["choice"]["fine_tuning"]
    moved = []
    if "held_out" in tuning:  # the net was fine-tuned, and may be the better one
        place = (model.trunk.name, model.layer)
        net, probe = (
            Share(tuning["held_out"][each]["accuracy"]) for each in ("fine_tuned", "probe")
        )
        what = f"fine-tuned, {tuning['steps']:,} steps, judged on one fold"
        moved = [
            Candidate(*place, what, net, chosen=tuning["done"]),
            Candidate(*place, "the probe that it left from, judged on this fold", probe),
        ]
    probes = [
        Candidate(
            each.candidate.trunk,
            each.candidate.layer,
            f"{each.candidate.probe}{', balanced' * each.candidate.balanced}",
            Share(each.accuracy),
            each.seconds,
            str(each.candidate) == chosen and not tuning["done"],
        )
        for each in nested.tried
    ]
    return [*moved, *probes]


def _share(each: Interval) -> Share:
    return Share(*each)


def _bins(each: Reliability) -> list[ReliabilityBin]:
    columns = (each.confidence.clip(0, 1).tolist(), each.accuracy.tolist(), each.count.tolist())
    return [ReliabilityBin(*row) for row in zip(*columns, strict=True)]
