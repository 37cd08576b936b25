"""The table of estimates beside what they are estimates of, and what stands on the front page."""

from typing import Any

import numpy as np

from experiments.headline import Headline
from experiments.made_by import made_by
from jtransfer.measure import console_table, markdown_table

Results = list[dict[str, Any]]

_HEADER = (
    "images",
    "a class",
    "held out",
    "estimate",
    "interval holds it",
    "calibration error",
    "precision of the sure",
    "sure",
    "seconds",
    "LogisticRegressionCV",
    "its seconds",
)


def held(result: dict[str, Any]) -> int:
    """In how many splits the interval holds the held-out accuracy."""
    return sum(each["low"] <= each["held_out"] <= each["high"] for each in result["measured"])


def _row(result: dict[str, Any]) -> list[str]:
    def mean(name: str, of: str = "measured") -> float:
        known = [each[name] for each in result[of] if each[name] is not None]
        return float(np.mean(known)) if known else float("nan")

    count, rival = len(result["measured"]), len(result["rival"])
    # Beside the rival stand the same splits.
    same = np.mean([each["held_out"] for each in result["measured"][:rival]]) if rival else 0
    return [
        f"{result['data'].removeprefix('folder:')}, {result['classes']} classes",
        str(result["train"]),
        f"{mean('held_out'):.3f}",
        f"{mean('estimate'):.3f}",
        f"{held(result)} of {count}",
        f"{mean('before'):.3f} → {mean('after'):.3f}",
        f"{mean('precision'):.3f} (asked {result['precision']:g})",
        f"{mean('sure'):.2f}",
        f"{mean('seconds'):.1f}",
        f"{mean('held_out', 'rival'):.3f} (here {same:.3f})" if rival else "–",
        f"{mean('seconds', 'rival'):.1f}" if rival else "–",
    ]


def table(results: Results) -> str:
    """A row for each data set."""
    return console_table(_HEADER, [_row(each) for each in results])


def own_folder(results: Results) -> str:
    """The page's section."""
    if not results:
        return ""
    first = results[0]
    return (
        "\n\n".join(
            [
                "## Estimates that hold",
                f"Of each class some images make the model by `jt.recipes.fit`'s way, the others "
                f"judge it: means over {first['splits']} random splits. The estimate and its 95% "
                "interval come from nested cross-validation on the model's images alone. The "
                "calibration error is the expected one on the held-out images, of the scores' "
                "softmax and at the temperature. A guess is sure above the threshold that was "
                "found for the precision asked for. Seconds are those of choosing, judging and "
                "fitting on cached features, on a machine that did other work beside it.",
                markdown_table(_HEADER, [_row(each) for each in results]),
                f"Features: {first['net']}, its last five layers, averaged over the pixels. "
                f"scikit-learn's LogisticRegressionCV (ten C, 5 folds) has the last layer, on the "
                f"first {first['rival_splits']} of the splits. {made_by(first)}.",
            ]
        )
        + "\n"
    )


def headlines(results: Results) -> list[Headline]:
    """How often the interval holds what it is an interval of."""
    return [
        Headline(
            f"`jtransfer fit`, {each['data'].removeprefix('folder:')}, {each['train']} images a "
            "class: splits whose 95% interval holds the held-out accuracy",
            f"{held(each)} of {len(each['measured'])}",
        )
        for each in results
    ]
