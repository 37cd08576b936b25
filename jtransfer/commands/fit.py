"""Make a model of a folder's classes, and say how right it will be on new images.

    jtransfer fit pets --out pets-model        # pets/<class>/<image>
    jtransfer predict pets-model new/*.jpg

The model's folder holds model.json, weights.safetensors and report.html, the page to look at. What
was interrupted goes on where it was when the same command is given again.
"""

from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Annotated, Any, Literal

import tyro


@dataclass(frozen=True)
class Config:
    """Settings of `jtransfer fit`."""

    # Folder of the images, with a folder for each class.
    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
    # Folder to write the model into; must not exist yet.
    out: Path = Path("model")
    # Pretrained nets to try, such as efficientnet_lite0 (`jtransfer.trunks()` lists them); by
    # default those whose weights are on this machine, on a CPU the quickest alone.
    trunks: Annotated[tuple[str, ...] | None, tyro.conf.arg(metavar="NET...")] = None
    # Share of the guesses that the model calls sure that is to be right, 0 to 1.
    precision: float = 0.95
    # Whether every class counts the same, however many images it has; auto lets
    # cross-validation decide.
    balance: Literal["auto", "yes", "no"] = "auto"
    # Whether to train the whole net too (fine-tuning), not only a classifier on its features, which
    # is kept where it is no worse on images held out; auto does it where it is likely to gain.
    fine_tune: Literal["auto", "no", "yes"] = "auto"
    # Training steps of fine-tuning; by default five times through the images, at least 200.
    steps: int | None = None
    # Keep the features of the images with the model, which `jtransfer predict --explain` needs.
    keep_features: bool = False
    # At an image that cannot be read: stop there, or leave it out and say so.
    on_unreadable: Literal["stop", "skip"] = "skip"
    # Processes that decode images, where these are many or large.
    workers: int = 2
    # Random seed, of how the images are split for cross-validation and of training.
    seed: int = 0


def main(config: Config) -> None:
    """Fit, and say what came of it."""
    from jtransfer.recipes.own_folder.fit import fit

    model = fit(
        config.folder,
        out=config.out,
        trunks=config.trunks,
        precision=config.precision,
        balance={"auto": None, "yes": True, "no": False}[config.balance],
        fine_tune=config.fine_tune,
        steps=config.steps,
        keep_features=config.keep_features,
        on_unreadable=config.on_unreadable,
        workers=config.workers,
        seed=config.seed,
    )
    for line in told(model.about):
        print(line)
    print(f"\nThe model is in {config.out}; look at {config.out / 'report.html'}, then")
    print(f"  jtransfer predict {quote(str(config.out))} IMAGES...")


def told(about: Any) -> list[str]:
    """The lines that tell what a model is worth."""
    estimate, sure = about["estimate"], about["estimate"]["sure"]
    accuracy, images = estimate["accuracy"], about["data"]["images"]
    lines = [
        f"{sum(images.values()):,} images of {len(images)} classes",
        f"right on {accuracy['value']:.1%} of new images, averaged over the classes "
        f"(95% interval {accuracy['low']:.1%} to {accuracy['high']:.1%})",
    ]
    if about["test"] is not None:
        test = about["test"]["accuracy"]
        lines.append(
            f"right on {test['value']:.1%} of the folder's own {about['test']['images']:,} test "
            f"images ({test['low']:.1%} to {test['high']:.1%})"
        )
    worst = sorted(estimate["classes"].items(), key=lambda item: item[1]["value"])[:3]
    said = ", ".join(f"{name} {each['value']:.1%}" for name, each in worst)
    lines.append(f"hardest classes: {said}")
    if sure["precision"] is None:
        lines.append(f"no guess is sure enough for a precision of {sure['precision_asked']:.0%}")
    else:
        lines.append(
            f"sure of {sure['share']:.1%} of them, and right on {sure['precision']['value']:.1%} "
            f"of these"
        )
    error = estimate["calibration_error"]["after"]
    lines.append(f"its probabilities are off by {error:.3f} on average")
    lines += [about["choice"]["why"], about["choice"]["fine_tuning"]["why"]]
    return lines
