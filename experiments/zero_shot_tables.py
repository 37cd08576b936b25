"""The section of BENCHMARKS.md on zero-shot learning."""

from typing import Any

from experiments.published import ZERO_SHOT
from experiments.zero_shot import HEADER, row
from experiments.zero_shot_data import SIDES
from experiments.zero_shot_methods import METHODS
from jtransfer.measure import markdown_table


def zero_shot(results: list[dict[str, Any]]) -> str:
    """A table for every data set, a row for every kind of knowledge and method."""
    parts = ["## Zero-shot learning"] if results else []
    for data in sorted({each["data"] for each in results}):
        cells = sorted((each for each in results if each["data"] == data), key=_order)
        first = cells[0]
        published = ZERO_SHOT.get(data, {})
        unseen = len(first["measured"][0]["confusion"])
        sizes = ", ".join(f"{name} {length:g}" for name, length in first["features"].items())
        parts.append(f"### {data}, {unseen} unseen classes, chance {1 / unseen:.3f}")
        parts.append(
            f"Features: square roots of histograms, each descriptor scaled to a length ({sizes}), "
            f"which ESZSL's accuracy on validation classes favoured. Every setting was chosen by "
            f"the accuracy on validation classes, the seen ones cut into {first['folds']} folds; "
            "mean accuracy per class. S, U and H are of the generalised case, where all classes "
            f"compete: one in {first['held_out']} images of every seen class is held out and "
            "tested beside the unseen classes; *cal.* with the calibration that validation classes "
            "chose; area under S over U. Methods that are trained by gradient: mean ± standard "
            "deviation over seeds."
        )
        rows = [[*row(each), published.get(each["method"], "–")] for each in cells]
        parts.append(markdown_table([*HEADER, "published"], rows))
        if published:
            parts.append(
                "Published with all six hand-made features and binary attributes; only rgsift and "
                "phog are at hand, so that the numbers do not compare one to one."
            )
        devices = ", ".join(sorted({each["made_by"]["device"] for each in cells}))
        versions = first["made_by"]["versions"]
        parts.append(f"{devices}; jax {versions['jax']}, flax {versions['flax']}.")
    return "\n\n".join(parts) + "\n" if parts else ""


def _order(result: dict[str, Any]) -> tuple[int, int]:
    return list(SIDES).index(result["side"]), list(METHODS).index(result["method"])
