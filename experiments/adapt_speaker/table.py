"""The tables of adaptation to a speaker: printed, whole, and the headlines."""

from typing import Any

import numpy as np

from experiments.headline import Headline
from jtransfer.measure import console_table, markdown_table, mean_std
from jtransfer.transfer.finetuning.speaker import error_reduction

NAMES: dict[str, str] = {
    "none": "no adaptation",
    "input": "linear input transform",
    "first": "first layer (conv1)",
    "middle": "middle layers (conv2, conv3)",
    "last": "last layers (fc4, head)",
    "head": "head alone",
    "lhuc": "LHUC",
    "full": "all layers",
    "kl": "all layers, KL-regularised",
}
PARTS = ("first", "middle", "last")  # of the net, to move one of


def table(result: dict[str, Any]) -> str:
    """A row for every method, a column for every number of utterances."""
    before = float(np.mean(result["accuracies"]["none"]["0"]))
    rows = [[NAMES["none"], *[f"{before:.3f}"] * len(result["each"])]]
    for method, by_each in result["accuracies"].items():
        if method != "none":
            rows.append([NAMES[method], *(_cell(before, values) for values in by_each.values())])
    return console_table(["utterances a class", *map(str, result["each"])], rows)


def headlines(results: list[dict[str, Any]]) -> list[Headline]:
    """No adaptation, the best part of the net to move, and all of it, on most utterances."""
    rows = []
    for result in results:
        most, accuracies = str(max(result["each"])), result["accuracies"]
        none = accuracies["none"]["0"]
        parts = {name: accuracies[name][most] for name in PARTS if name in accuracies}
        shown = {"none": none}
        if parts:
            best = max(parts, key=lambda name: np.mean(parts[name]))
            shown[best] = parts[best]
        if "full" in accuracies:
            shown["full"] = accuracies["full"][most]
        for name, values in shown.items():
            on = "" if name == "none" else f", {most} utterances a word"
            rows.append(
                Headline(f"a new speaker of {result['data']}: {NAMES[name]}{on}", mean_std(values))
            )
    return rows


def speaker_adaptation(results: list[dict[str, Any]]) -> str:
    """A section for every data set: a line for every method, a column for every number."""
    parts = ["## Adaptation to a speaker"] if results else []
    for result in results:
        none = result["accuracies"]["none"]["0"]
        before = float(np.mean(none))
        rows = [[NAMES["none"], *[mean_std(none)] * len(result["each"]), "–"]]
        for method, by_each in result["accuracies"].items():
            if method != "none":
                cells = [_cell(before, values) for values in by_each.values()]
                rows.append([NAMES[method], *cells, _settings(result["chosen"][method])])
        made = result["made_by"]
        parts += [
            f"### `{result['data']}`, {len(result['speakers'])} speakers, one left out at a time",
            f"Accuracy on the new speaker's other utterances, mean ± deviation over speakers and "
            f"{result['draws']} draws of each; in brackets the share of the errors taken away. "
            f"{_synthetic(result['data'])}A net of three convolutions over log-mel frames, trained "
            f"on the other speakers (AdamW, {result['steps']:,} steps of {result['batch']}); "
            f"adaptation is {result['adapt_steps']} steps of {result['adapt_batch']} utterances, "
            f"Adam, rate falling as a cosine. Rate and rho are chosen on two other speakers, each "
            f"adapted to from a net trained without both, never on the new speaker. How features "
            f"are normalised, the dropout, and that there is no SpecAugment were decided after a "
            f"look at the accuracy of all six speakers of `wav:fsdd` before adaptation.",
            markdown_table(["utterances a class", *map(str, result["each"]), "rate, rho"], rows),
            _answer(result),
            f"{made['device']}; jax {made['versions']['jax']}, flax {made['versions']['flax']}; "
            f"{result['seconds'] / 60:.0f} min in all.",
        ]
    return "\n\n".join(parts) + "\n" if parts else ""


def _cell(before: float, values: list[float]) -> str:
    """Accuracy, and the share of the errors taken away."""
    return f"{mean_std(values)} ({error_reduction(before, float(np.mean(values))):.0%})"


def _synthetic(data: str) -> str:
    return "Synthetic voices, no speech. " if data.startswith("synthetic") else ""


def _settings(chosen: list[list[float]]) -> str:
    """The settings that were chosen for one speaker or another."""
    return "; ".join(
        f"{rate:g}" + (f", {rho:g}" if rho else "") for rate, rho in sorted({*map(tuple, chosen)})
    )


def _answer(result: dict[str, Any]) -> str:
    """Which part of the net is best to move, in a sentence."""
    rates = {rate for pairs in result["chosen"].values() for rate, _ in pairs}
    edge = [
        NAMES[name]
        for name, pairs in result["chosen"].items()
        if {each[0] for each in pairs} == {max(rates)}
    ]
    ranks = []
    for each in result["each"]:
        means = {
            method: float(np.mean(result["accuracies"][method][str(each)]))
            for method in PARTS
            if method in result["accuracies"]
        }
        order = sorted(means, key=lambda method: -means[method])
        ranks.append(f"{each}: " + " > ".join(f"{name} {means[name]:.3f}" for name in order))
    best = "Which layers to move, by utterances a class: " + "; ".join(ranks) + "."
    if edge:
        best += (
            f" The highest rate was chosen for every speaker by {', '.join(edge)}; a "
            "higher one may do better."
        )
    return best
