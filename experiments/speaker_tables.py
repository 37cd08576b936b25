"""The tables of BENCHMARKS.md on adaptation to a speaker."""

from typing import Any

import numpy as np

from experiments.adapt_speaker import NAMES
from jtransfer.measure import markdown_table, mean_std
from jtransfer.transfer.finetuning.speaker import error_reduction


def speaker_adaptation(results: list[dict[str, Any]], timings: list[dict[str, Any]]) -> str:
    """A section for every data set: a line for every method, a column for every number."""
    parts = ["## Adaptation to a speaker"] if results else []
    for result in results:
        none = result["accuracies"]["none"]["0"]
        before = float(np.mean(none))
        rows = [[NAMES["none"], *[mean_std(none)] * len(result["each"]), "–"]]
        for method, by_each in result["accuracies"].items():
            if method != "none":
                cells = [
                    f"{mean_std(values)} ({error_reduction(before, float(np.mean(values))):.0%})"
                    for values in by_each.values()
                ]
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
    return "\n\n".join([*parts, *map(_times, timings)]) + "\n" if parts else ""


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
            for method in ("first", "middle", "last")
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


def _times(timing: dict[str, Any]) -> str:
    """A sentence on adaptations together and one by one."""
    clock, cpu = timing["seconds"], timing["processor_seconds"]
    shown = ", ".join(f"{way} {clock[way]:.2f} s ({cpu[way]:.2f} s)" for way in clock)
    ratio = clock["step by step"] / clock["in one program"]
    alone = clock["one by one"] / clock["in one program"]
    device = timing["made_by"]["device"]
    return (
        f"Time of {timing['adaptations']} adaptations (all speakers, draws, methods; "
        f"{timing['each']} utterances a class, {timing['steps']} steps; `{timing['data']}`), by "
        f"the clock and of the processor, medians of {timing['repeats']} alternating runs: "
        f"{shown}. "
        f"By the clock one program, its runs shared between {timing['devices']} devices, is "
        f"{ratio:.1f} times as fast as step by step and {alone:.1f} times as fast as one call for "
        f"each adaptation. {device}."
    )
