"""The table of layers that were copied, and what of it stands on the front page."""

from typing import Any

from experiments.headline import Headline
from experiments.published import YOSINSKI, YOSINSKI_BASE
from experiments.transfer_layers.tasks import TASKS
from experiments.wording import accuracy_of, listed, made_by
from jtransfer.measure import markdown_table, mean_std
from jtransfer.recipes.finetuning.layers.run import KINDS


def layer_transfer(results: list[dict[str, Any]]) -> str:
    """A section for every task: a line for every kind, a column for every number of layers."""
    parts = ["## Which layers transfer"] if results else []
    for name, task in TASKS.items():
        cells = {
            (each["kind"], each["layers"]): each
            for each in results
            if each["task"] == name and each["kind"] in KINDS
        }
        if not cells:
            continue
        counts = sorted({count for _, count in cells})
        first = next(iter(cells.values()))
        rows = [
            [kind, *(accuracy_of(cells.get((kind, count)), "accuracies") for count in counts)]
            for kind in KINDS
            if any(key[0] == kind for key in cells)
        ]
        parts += [
            f"### `{task.data}`, halves of its classes",
            f"Accuracy on B with the first n layers copied, mean ± deviation over the splits of "
            f"seeds {listed(first['seeds'])}; B's own net, trained from scratch, has "
            f"{mean_std(first['base_accuracies'])}. Every net has {first['steps']:,} steps of SGD, "
            f"batch {first['batch']}, rate {first['rate']} falling as a cosine, momentum "
            f"{first['momentum']}. Decided after a look at test accuracies: {task.seen}.",
            markdown_table(["n", *map(str, counts)], rows),
            _published() + " " + made_by([*cells.values()]),
        ]
    return "\n\n".join(parts) + "\n" if parts else ""


def headlines(results: list[dict[str, Any]]) -> list[Headline]:
    """B's own net, and nets that have all the layers of A's, for every task."""
    lines = []
    for name, task in TASKS.items():
        cells = [each for each in results if each["task"] == name and each["kind"] in YOSINSKI]
        most = max((each["layers"] for each in cells), default=0)
        whole = {each["kind"]: each for each in cells if each["layers"] == most}
        asked = f"{task.data}, half of its classes"
        paper = "(on ImageNet, NIPS 2014)"
        if whole:
            own = mean_std(next(iter(whole.values()))["base_accuracies"])
            lines.append(Headline(f"{asked}: its own net", own, f"{YOSINSKI_BASE:.3f} {paper}"))
        lines += [
            Headline(
                f"{asked}: all {most} layers of the other half's net, {moves}",
                mean_std(whole[kind]["accuracies"]),
                f"{YOSINSKI[kind][-1]:.3f} {paper}",
            )
            for kind, moves in (("AnB", "frozen"), ("AnB+", "fine-tuned"))
            if kind in whole
        ]
    return lines


def _published() -> str:
    lines = "; ".join(
        f"{kind} " + " ".join(f"{value:.3f}" for value in values)
        for kind, values in YOSINSKI.items()
    )
    return (
        "For orientation, Yosinski et al. 2014 on halves of ImageNet, n from 1 to 7, B's own net "
        f"{YOSINSKI_BASE:.3f}: {lines}."
    )
