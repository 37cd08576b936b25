"""The pictures of a call of `adapt_digits`."""

from collections.abc import Mapping
from pathlib import Path

from experiments.adapt_digits.config import Config
from jtransfer.measure import (
    Embedding,
    confusion_figure,
    confusion_matrix,
    curves_figure,
    embedding_figure,
    samples_figure,
)
from jtransfer.recipes.adaptation.judging import SAMPLE
from jtransfer.recipes.adaptation.methods import METHODS
from jtransfer.recipes.adaptation.problem import Problem
from jtransfer.recipes.adaptation.run import Run
from jtransfer.transfer.adaptation.translated_images import translation_figure

SHOWN = 24  # samples of each domain
TRANSLATED = 12  # images of each domain


def figures(config: Config, problem: Problem, cells: Mapping[str, Run]) -> list[Path]:
    """Write the pictures of the first seed's runs."""
    title = f"{problem.source.name} → {problem.target.name}"
    folder = config.out / f"{config.title}-figures"
    folder.mkdir(parents=True, exist_ok=True)
    files = {"samples": folder / "samples.png"}
    source, target = (problem.sample(part, SHOWN) for part in ("source", "target"))
    samples_figure(
        {
            f"source: {source.name}": (source.images, source.labels),
            f"target: {target.name}": (target.images, target.labels),
        },
        files["samples"],
        classes=problem.source.classes,
        title=title,
    )
    runs = {METHODS[method].title: cell for method, cell in cells.items()}
    curves = {
        name: cell.records
        for name, cell in runs.items()
        if any("target_accuracy" in record for record in cell.records)
    }
    if curves:  # subspace alignment alone trains nothing by steps
        files["curves"] = folder / "curves.png"
        curves_figure(
            curves,
            files["curves"],
            left=("target_accuracy",),
            right=("reversal",) if METHODS["dann"].title in curves else (),
            title=f"{title}: accuracy on the target's test set, seed {config.seeds[0]}",
        )
    panels = {}
    for name, cell in runs.items():
        files[f"confusion-{name}"] = folder / f"confusion-{name.replace(' ', '_')}.png"
        confusion_figure(
            confusion_matrix(
                cell.guess(problem.test.images), problem.test.labels, len(problem.test.classes)
            ),
            problem.test.classes,
            files[f"confusion-{name}"],
            title=f"{title}: {name}",
        )
        if name != METHODS["target"].title:
            source, target = (problem.sample(part, SAMPLE) for part in ("source", "test"))
            source_features = cell.source_features(source.images)
            if source_features.shape[1] < 2:
                continue  # no picture of a line
            moment = "before" if name == METHODS["source"].title else "after"
            panels[f"{moment} ({name})"] = Embedding(
                source_features,
                cell.target_features(target.images),
                source.labels,
                target.labels,
            )
    if "translation" in cells and (trained := cells["translation"].trained) is not None:
        program, state = trained
        files["translation"] = folder / "translation.png"
        source, target = (problem.sample(part, TRANSLATED) for part in ("source", "test"))
        translation_figure(
            program.recipe.net,
            {"params": state.params, **state.stats},
            files["translation"],
            source=(source.images, source.labels),
            target=(target.images, target.labels),
            names=(problem.source.name, problem.target.name),
            classes=problem.source.classes,
            columns=TRANSLATED,
        )
    if panels:
        files["embedding"] = folder / "embedding.png"
        embedding_figure(panels, files["embedding"], title=f"{title}: trunk features")
    return list(files.values())
