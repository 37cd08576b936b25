"""The page of an adapted model: both domains, what was tried and what was decided."""

from pathlib import Path
from shlex import quote

import numpy as np

from jtransfer.measure.choice import RULE
from jtransfer.measure.page import (
    Command,
    Gallery,
    ImageMap,
    Notice,
    Report,
    Sample,
    Table,
    Unreadable,
)
from jtransfer.measure.selection import CRITERIA
from jtransfer.recipes.adaptation.feature_models import FeatureClassifier
from jtransfer.recipes.own_folder.model import Model
from jtransfer.recipes.own_folder.report import picture_of, principal_plane
from jtransfer.recipes.unlabelled_folder.decide import Decision
from jtransfer.recipes.unlabelled_folder.description import Domains
from jtransfer.recipes.unlabelled_folder.target_table import Guessed

_SHOWN, _UNSURE, _ON_MAP = 14, 21, 110


def report_of(
    domains: Domains, decision: Decision, guessed: Guessed, model: Model, out: Path
) -> Report:
    """What the page shows; some of the images are read again for their thumbnails.

    Args:
      domains: the images and their features.
      decision: what was chosen.
      guessed: what is said of the target.
      model: that was made.
      out: its folder, for the commands.
    """
    show = _Shown(domains, guessed)
    choice = decision.choice
    source, target = show.names
    same = float((guessed.guesses == guessed.source).mean())
    on_source = decision.on_source[choice.name]
    missing = [*domains.source_unread, *domains.target_unread]
    return Report(
        title=f"{source} → {target}",
        summary=_summary(decision, same),
        facts=[
            ("source images", f"{len(domains.source):,}"),
            ("target images", f"{len(domains.target):,}"),
            ("classes", f"{len(guessed.classes):,}"),
            ("net", f"{model.trunk.name}, layer {model.layer}"),
            ("version", f"jtransfer {model.about['made_by']['versions']['jtransfer']}"),
        ],
        notices=[
            *[Notice(f"{len(missing):,} files could not be read and were left out.", "warning")][
                : bool(missing)
            ],
            Notice(
                "No label of the target was looked at, so nobody knows yet how right the model is "
                f"there. On held-out images of the source it is right on {on_source.value:.1%} "
                f"({on_source.low:.1%} to {on_source.high:.1%}); on another domain expect less. "
                f"Checking the {len(guessed.sample):,} images of check.csv tells."
            ),
        ],
        classes=guessed.classes,
        tables=[_classes(domains, guessed)],
        galleries=[
            Gallery(f"Source: {source}", show.some_of_source()),
            Gallery(f"Target: {target}", show.some_of_target(), "With the model's guesses."),
            Gallery(
                f"Target: {target}, the least sure",
                show.least_sure(),
                "A mistake that is mended here is worth the most.",
            ),
        ],
        comparisons=[_candidates(decision)],
        choice=_why(decision, same),
        threshold=_threshold(guessed),
        maps=show.maps(decision, model.layer),
        unreadable=[Unreadable(file, "could not be read") for file in missing],
        commands=[
            Command(
                "Fill in the true classes in check.csv, from the first line on; then",
                f"jtransfer adapt --out {quote(str(out))} --check {quote(str(out / 'check.csv'))}",
            ),
            Command(
                "Tell the classes of other target images",
                f"jtransfer predict {quote(str(out))} IMAGES...",
            ),
            Command(
                "In Python",
                f"import jtransfer as jt\n\nmodel = jt.load_model({str(out)!r})\n"
                'said = model.predict(["a.jpg", "b.jpg"])\n'
                "said.names, said.confidence, said.unsure",
            ),
        ],
    )


def _summary(decision: Decision, same: float) -> str:
    choice = decision.choice
    agrees = f"it guesses as all candidates do together on {choice.sureness:.0%} of the target"
    if choice.keeps_source:
        return f"The source model is kept as it is: {choice.because or agrees}."
    return (
        f"Adapted by “{choice.name.replace('_', ' ')}”: {agrees}. {1 - same:.1%} of the target's "
        "images get another class than the source model would have given."
    )


def _why(decision: Decision, same: float) -> str:
    kept = (
        ""
        if decision.choice.keeps_source
        else (
            f" The source-only model would have given {same:.1%} of the images the same class; its "
            "guesses stand beside the others in target.csv."
        )
    )
    return (
        f"{str(decision.choice).replace('_', ' ')}{kept} Candidates were fitted to a part of the "
        "source and compared by the criteria with a star; the others are told and do not decide. "
        "Lower is better for source risk, higher for the others. No label of the target was looked "
        "at."
    )


def _candidates(decision: Decision) -> Table:
    choice = decision.choice
    told = [name for name in CRITERIA if all(name in each for each in choice.values.values())]
    criteria = sorted(told, key=lambda name: name not in RULE)
    return Table(
        "The candidates, the best first",
        [
            "method",
            "",
            *(f"{each.replace('_', ' ')}{' *' * (each in RULE)}" for each in criteria),
            "right on the source",
            "seconds",
        ],
        [
            [
                "source only" if name == choice.keep else name.replace("_", " "),
                "chosen" if name == choice.name else "",
                *(choice.values[name][each] for each in criteria),
                f"{decision.on_source[name].value:.1%}",
                round(decision.seconds[name], 1),
            ]
            for name in choice.ordered()
        ],
        f"Held out: {decision.held_out:,} images of the source.",
    )


def _threshold(guessed: Guessed) -> str:
    """What is answered by "I don't know", and what to think of it."""
    unsure = float((guessed.confidence < guessed.threshold).mean())
    if guessed.threshold == 0:
        said = "On the source all guesses together have the precision that was asked for: none is "
        said += '"I don\'t know".'
    elif guessed.threshold > 1:
        said = "On the source no guess has the precision that was asked for: all are "
        said += '"I don\'t know".'
    else:
        said = f'A guess whose probability is below {guessed.threshold:.3f} is "I don\'t know": '
        said += "on the source the others have the precision that was asked for. So it is for "
        said += f"{unsure:.1%} of the target's images."
    return (
        f"{said} Temperature and threshold are from the source; on another domain guesses are "
        "likely to be surer than they are right."
    )


def _classes(domains: Domains, guessed: Guessed) -> Table:
    k = len(guessed.classes)
    columns = [
        np.bincount(each, minlength=k).tolist()
        for each in (domains.source.labels, guessed.guesses, guessed.source)
    ]
    return Table(
        "Images of each class",
        ["class", "source, labelled", "target, by the model", "target, by the source model"],
        [list(row) for row in zip(guessed.classes, *columns, strict=True)],
    )


class _Shown:
    """The images as samples of the page."""

    def __init__(self, domains: Domains, guessed: Guessed):
        self.domains, self.guessed = domains, guessed
        names = [
            each.removeprefix("folder:")
            for each in (domains.source.name, domains.target.files.name)
        ]
        self.names = (
            names
            if names[0] != names[1]
            else [
                f"{each} ({role})" for each, role in zip(names, ("source", "target"), strict=True)
            ]
        )
        random = np.random.default_rng(0)
        self.source_rows, self.target_rows = (
            random.permutation(len(each)) for each in (domains.source, domains.target)
        )
        self._pictures: dict[Path, bytes | None] = {}

    def some_of_source(self) -> list[Sample]:
        files = self.domains.source
        return [
            Sample(
                "/".join(files.paths[row].parts[-2:]),
                self._picture(files.paths[row]),
                files.classes[files.labels[row]],
            )
            for row in self.source_rows[:_SHOWN].tolist()
        ]

    def some_of_target(self) -> list[Sample]:
        return [self._target(row) for row in self.target_rows[:_SHOWN].tolist()]

    def least_sure(self) -> list[Sample]:
        return [self._target(row) for row in self.guessed.least_sure()[:_UNSURE].tolist()]

    def maps(self, decision: Decision, layer: str) -> list[ImageMap]:
        """Some images of both domains before and after the method that was chosen."""
        source, target = self.source_rows[:_ON_MAP], self.target_rows[:_ON_MAP]
        domains = self.domains
        before = domains.source_features, domains.target_features
        samples = [
            *(self._on_map_of_source(row) for row in source.tolist()),
            *(self._on_map_of_target(row) for row in target.tolist()),
        ]
        method = f"the two directions in which {layer} varies most"
        name = decision.choice.name.replace("_", " ")
        models = {"Before": (decision.source, before)}
        if not decision.choice.keeps_source:
            models[f"After “{name}”"] = decision.chosen, decision.given(*before)
        return [
            ImageMap(
                _together(model, of_source[source], of_target[target]),
                samples,
                method,
                title,
                self.names,
            )
            for title, (model, (of_source, of_target)) in models.items()
        ]

    def _on_map_of_source(self, row: int) -> Sample:
        files = self.domains.source
        path = files.paths[row]
        note = f"labelled {files.classes[files.labels[row]]}"
        name = "/".join(path.parts[-2:])
        return Sample(name, self._picture(path), self.names[0], note=note)

    def _on_map_of_target(self, row: int) -> Sample:
        guessed = self.guessed
        note = f"taken for {guessed.classes[guessed.guesses[row]]}"
        return Sample(
            guessed.names[row],
            self._picture(self.domains.target.files.paths[row]),
            self.names[1],
            note=f"{note} ({min(guessed.confidence[row], 1.0):.1%})",
        )

    def _target(self, row: int) -> Sample:
        guessed = self.guessed
        return Sample(
            guessed.names[row],
            self._picture(self.domains.target.files.paths[row]),
            guess=guessed.classes[guessed.guesses[row]],
            probability=float(min(guessed.confidence[row], 1.0)),
        )

    def _picture(self, path: Path) -> bytes | None:
        if path not in self._pictures:
            self._pictures[path] = picture_of(path)
        return self._pictures[path]


def _together(model: FeatureClassifier, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Features of both domains as a classifier reads them, in one plane, [n + m, 2]."""
    return principal_plane(
        np.concatenate([model.source_features(source), model.target_features(target)])
    )
