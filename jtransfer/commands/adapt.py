"""Make a model for a folder without labels from a labelled one, or say to keep the source model.

    jtransfer adapt photo/ sketch/ --out sketch-model    # photo/<class>/<image>, sketch/<image>
    jtransfer adapt photo/ sketch/ --out trained-model --train
    jtransfer predict sketch-model more/*.png
    jtransfer adapt --out sketch-model --check sketch-model/check.csv

Methods of adaptation are tried on the features of a pretrained net, and one is chosen without a
label of the target; class folders of the target are not looked at. To keep the model of the source
alone is always a candidate; with --train two nets that are trained as a whole are candidates too,
one by that method and one on the source alone. The model's folder holds model.json,
weights.safetensors, report.html, the page to look at, target.csv, all guesses with the least sure
first, and check.csv, a random sample for a person to fill in. What was interrupted goes on where it
was when the same command is given again.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shlex import quote
from typing import Annotated, Any, Literal

import tyro


@dataclass(frozen=True)
class Config:
    """Settings of `jtransfer adapt`."""

    # Folder of labelled images, with a folder for each class; left out with --check.
    source: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")] = None
    # Folder of images whose labels are not known, or not looked at; left out with --check.
    target: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="TARGET")] = None
    # Folder to write the model into; must not exist yet. With --check: folder of a model.
    out: Path = Path("model")
    # check.csv or target.csv with the true classes filled in; the model is judged by it, and
    # nothing is fitted.
    check: Path | None = None
    # Net whose features are adapted; by default the quickest whose weights are on this machine.
    trunk: str | None = None
    # Methods on features to try beside the source-only model, such as coral transport; by default
    # all of them.
    methods: Annotated[tuple[str, ...] | None, tyro.conf.arg(metavar="METHOD...")] = None
    # Train whole nets too, by shot or a method that is named, such as mcc, and on the source alone:
    # two more candidates; slow without a GPU or TPU.
    train: Annotated[tuple[str, ...] | None, tyro.conf.arg(metavar="[METHOD]")] = None
    # Training steps with --train; by default five times through the source, from 200 to 2,000.
    steps: int | None = None
    # Share of the guesses that the model calls sure that is to be right, on the source, 0 to 1.
    precision: float = 0.95
    # Target images that are drawn for a person to check.
    sample: int = 100
    # At an image that cannot be read: stop there, or leave it out and say so.
    on_unreadable: Literal["stop", "skip"] = "skip"
    # Processes that decode images.
    workers: int = 2
    # Random seed, of the folds, of training and of the sample to check.
    seed: int = 0


def main(config: Config) -> None:
    """Adapt or check, and say what came of it."""
    if config.check is not None:
        _check(config.out, config.check)
        return
    train = _named(config.train)
    if config.source is None or config.target is None:
        raise ValueError(
            "a source or a target is missing; expected the folder of labelled images and the one "
            "without labels. Name both, or a filled-in table by --check"
        )
    from jtransfer.recipes.adaptation.feature_methods import FEATURE_METHODS
    from jtransfer.recipes.unlabelled_folder.adapt import adapt

    model = adapt(
        config.source,
        config.target,
        out=config.out,
        trunk=config.trunk,
        methods=tuple(FEATURE_METHODS) if config.methods is None else config.methods,
        train=train,
        steps=config.steps,
        precision=config.precision,
        sample=config.sample,
        on_unreadable=config.on_unreadable,
        workers=config.workers,
        seed=config.seed,
        tell=partial(print, flush=True),
    )
    print()
    for line in told(model.about):
        print(line)
    print(f"\nThe model is in {config.out}; look at {config.out / 'report.html'}, then")
    print(f"  jtransfer predict {quote(str(config.out))} IMAGES...")
    check = config.out / "check.csv"
    print(f"Fill in {check} from its first line on, as far as you like, then")
    print(f"  jtransfer adapt --out {quote(str(config.out))} --check {quote(str(check))}")


def _named(train: tuple[str, ...] | None) -> str | None:
    """The method of `--train`, which may be left out there."""
    from jtransfer.recipes.adaptation.development import TRAINED_BY

    if train is not None and len(train) > 1:
        raise ValueError(
            f"--train {' '.join(train)}; expected one method, or none for {TRAINED_BY}. Name the "
            "folders before it, and one method a call"
        )
    if train is None:
        return None
    return train[0] if train else TRAINED_BY


def told(about: Any) -> list[str]:
    """The lines that tell what was decided, a table among them."""
    choice, source = about["choice"], about["source_estimate"]
    candidates = choice["candidates"]  # the best first
    wide = max(14, *map(len, candidates))
    lines = [f"{'candidate':{wide}}  consensus  clusters  agreement  right on source"]
    for name, each in candidates.items():
        lines.append(
            f"{name:{wide}}  {each['consensus']:9.3f}  {each['class_clustering']:8.3f}  "
            f"{each['ensemble_agreement']:9.3f}  {each['source_accuracy']['value']:15.1%}"
            f"{'  <- chosen' * (name == choice['method'])}"
        )
    accuracy = source["accuracy"]
    lines += [
        "",
        choice["why"],
        f"{choice['same_guess_as_source']:.1%} of {about['target']['images']:,} target images get "
        "the class that the source-only model would have given",
        f"unsure of {about['target']['unsure']:.1%} of them",
        f"right on {accuracy['value']:.1%} of held-out source images (95% interval "
        f"{accuracy['low']:.1%} to {accuracy['high']:.1%}); on the target nobody knows before some "
        "are checked",
    ]
    return lines


def _check(folder: Path, labels: Path) -> None:
    from jtransfer.recipes.unlabelled_folder.check import check

    said = check(folder, labels)
    for mistake in said.mistakes:
        print(f"{mistake.file}: {mistake.true}, taken for {mistake.guess}")
    accuracy, source = said.accuracy, said.source_accuracy
    print(
        f"right on {accuracy.value:.1%} of the target's {said.images:,} images (95% interval "
        f"{accuracy.low:.1%} to {accuracy.high:.1%}), by a random sample of {said.sampled:,}"
    )
    print(
        f"the source-only model: {source.value:.1%} ({source.low:.1%} to {source.high:.1%}); "
        f"wrong where this one is right on {said.better:,}, right where it is wrong on "
        f"{said.worse:,}"
    )
    if said.others:
        print(
            f"{said.others_right:,} of {said.others:,} others that were checked are right; they "
            "are no random sample and do not count"
        )
