"""The table of `jtransfer fit` beside timm and PyTorch."""

from typing import Any

import numpy as np

from experiments.headline import Headline
from experiments.made_by import made_by
from jtransfer.measure import console_table, markdown_table

OURS = "jtransfer fit"
Results = list[dict[str, Any]]

_HEADER = (
    "images",
    "way",
    "held out",
    "to the model: seconds",
    "of the processor",
    "jtransfer's / this",
    "GB",
    "to tell the others: seconds",
    "of the processor",
)


def mean(turns: Results, of: str, what: str) -> float:
    """Mean over the turns of a number of a way's `fit` or `predict`."""
    return float(np.mean([each[of][what] for each in turns]))


def held_out(turns: Results) -> float:
    """Mean over the turns of the accuracy on the other images."""
    return float(np.mean([each["held_out"] for each in turns]))


def rows(result: dict[str, Any]) -> list[list[str]]:
    """A row for each way."""
    measured, what = result["measured"], "processor_seconds"
    ours = mean(measured[OURS], "fit", what)
    return [
        [
            f"{result['data'].removeprefix('folder:')}, {result['train']} a class",
            name,
            f"{held_out(turns):.3f}",
            f"{mean(turns, 'fit', 'seconds'):.0f}",
            f"{mean(turns, 'fit', what):.0f}",
            f"{ours / mean(turns, 'fit', what):.2f}",
            f"{mean(turns, 'fit', 'gigabytes'):.2f}",
            f"{mean(turns, 'predict', 'seconds'):.0f}",
            f"{mean(turns, 'predict', what):.0f}",
        ]
        for name, turns in measured.items()
    ]


def _others(result: dict[str, Any]) -> str:
    at_most = result["test_at_most"]
    return "all other images" if at_most is None else f"at most {at_most} others of each class"


def table(results: Results) -> str:
    """A row for each data set and way."""
    return console_table(_HEADER, [row for each in results for row in rows(each)])


def beside_timm(results: Results) -> str:
    """The page's section."""
    if not results:
        return ""
    first = results[0]
    return (
        "\n\n".join(
            [
                "## Beside timm and PyTorch, from the command to the model",
                "The same EfficientNet-Lite0, of the same weights, on the same images and machine: "
                "each way is a command that starts with nothing cached, so that imports, "
                "compilation, decoding, the net and the classifier are in its time; the ways take "
                f"turns, means over {first['splits']} random splits, judged on {_others(first)}. "
                "In its time `jtransfer fit` "
                "chooses layer, probe and penalty by nested cross-validation, calibrates, and "
                "writes its report; `nn.Linear` (Adam, 100 epochs, last layer) chooses nothing, "
                "LogisticRegressionCV (ten C, 5 folds, last layer) its penalty. The machine did "
                "other work beside it, so that the processor's seconds tell more than the clock's; "
                "the ratio is of those. GB is the most that the main process held.",
                markdown_table(_HEADER, [row for each in results for row in rows(each)]),
                f"{made_by(first)}.",
            ]
        )
        + "\n"
    )


def headlines(results: Results) -> list[Headline]:
    """Accuracy and the processor's seconds of `jtransfer fit`, and of each other way."""
    return [
        Headline(
            f"`jtransfer fit`, {each['data'].removeprefix('folder:')}, {each['train']} images a "
            "class: held out, processor seconds to the model",
            said(each["measured"][OURS]),
            "; ".join(
                f"{said(turns)} ({name})"
                for name, turns in each["measured"].items()
                if name != OURS
            ),
        )
        for each in results
    ]


def said(turns: Results) -> str:
    """A way in short."""
    return f"{held_out(turns):.3f}, {mean(turns, 'fit', 'processor_seconds'):.0f} s"
