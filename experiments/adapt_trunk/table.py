"""The tables of adaptation on a pretrained trunk."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.adapt_trunk.config import BEST, PACS_DEVELOPMENT, PAIRS, SHOWN
from experiments.headline import Headline
from experiments.wording import NONE, accuracy_of, listed, made_by
from jtransfer.measure import console_table, gap_closed, markdown_table
from jtransfer.recipes.adaptation.methods import METHODS

Results = Sequence[dict[str, Any]]
KEYS = ("target_accuracy", "target_mean_per_class_accuracy")


def console(results: Results) -> str:
    """Accuracies, for the terminal."""
    rows = [
        [
            " → ".join(each["pair"]),
            METHODS[each["method"]].title,
            *(f"{each[key]:.3f}" for key in KEYS),
        ]
        for each in results
    ]
    return console_table(["pair", "method", "accuracy", "mean per class"], rows)


def seeds_of(results: Results, pair: tuple[str, str], method: str, key: str) -> list[float]:
    """The accuracies of a method on a pair, one a seed."""
    return [
        each[key] for each in results if tuple(each["pair"]) == pair and each["method"] == method
    ]


def accuracy(results: Results, pair: tuple[str, str], method: str, key: str) -> str:
    """Mean and deviation over the seeds, or a dash."""
    found = seeds_of(results, pair, method, key)
    return accuracy_of({key: found} if found else None, key)


def gap(results: Results, pair: tuple[str, str]) -> str:
    """The share of the way from source only to train on target that the default goes."""
    found = [seeds_of(results, pair, method, KEYS[0]) for method in ("source", BEST[0], "target")]
    if not all(found):
        return NONE
    return f"{gap_closed(*(float(np.mean(each)) for each in found)):.0%}"


def development_rows(results: Results) -> list[list[str]]:
    """A row for each method that was tried, the best first."""
    scores = {
        method: seeds_of(results, pair, method, KEYS[0])
        for pair in PACS_DEVELOPMENT
        for method in METHODS
        if seeds_of(results, pair, method, KEYS[0])
    }
    order = sorted(scores, key=lambda method: -float(np.mean(scores[method])))
    return [
        [
            METHODS[method].title,
            *(accuracy(results, PACS_DEVELOPMENT[0], method, key) for key in KEYS),
        ]
        for method in order
    ]


def adaptation_on_trunk(results: Results) -> str:
    """The page's section."""
    if not results:
        return ""
    first = results[0]
    rows = [
        [
            " → ".join(pair),
            *(accuracy(results, pair, method, KEYS[0]) for method in SHOWN),
            gap(results, pair),
        ]
        for pair in PAIRS
    ]
    header = [METHODS[method].title for method in SHOWN]
    seconds = sum(each["seconds"] for each in results)
    return (
        "\n\n".join(
            [
                "## On a pretrained trunk",
                f"{first['net']} at {first['size']} pixels between the domains of PACS. The stages "
                f"{first['options']['trunk']['frozen'][0]} to "
                f"{first['options']['trunk']['frozen'][-1]} stay as published, what they give is "
                f"taken once; the others move at {first['options']['trunk']['rate']:g} of the new "
                f"heads' rate of {first['options']['learning_rate']:g}, batch norm with statistics "
                f"of each domain. {first['steps']} steps of {first['batch']} + {first['batch']} "
                "images, last step; a fifth of the target judges, of which nothing has seen the "
                f"images. Seed {listed(sorted({each['seed'] for each in results}))}: differences "
                "of a point or two mean nothing.",
                "SHOT, self-training and TENT begin with the source-only net, so that theirs "
                "are as many steps more. Which methods are the best was decided on photo → "
                "art_painting alone:",
                markdown_table(["method", "accuracy", "mean per class"], development_rows(results)),
                f"The best three, and `{BEST[0]}` as the default of `jtransfer adapt --train`, "
                "were written down before they ran on the pairs below, once; MCC was begun there "
                "while it was ahead. Gap closed is the default's. The mean teacher, which changes "
                "images at random, cannot go by what frozen stages give and was not tried.",
                markdown_table(["pair", *header, "gap closed"], rows),
                f"{len(results)} runs, {seconds / 60:.0f} minutes one after the other, on a "
                f"machine that did much other work beside it. {made_by(results)}",
            ]
        )
        + "\n"
    )


def headlines(results: Results) -> list[Headline]:
    """Source only, the default and train on target, over the pairs that have all three."""
    whole = [
        pair
        for pair in PAIRS
        if all(seeds_of(results, pair, each, KEYS[0]) for each in ("source", BEST[0], "target"))
    ]
    if not whole:
        return []

    def mean(method: str) -> str:
        found = [np.mean(seeds_of(results, pair, method, KEYS[0])) for pair in whole]
        return f"{np.mean(found):.3f}"

    names = ("source", BEST[0], "target")
    return [
        Headline(
            f"Adaptation on a pretrained trunk, mean of {len(whole)} pairs of PACS",
            "; ".join(f"{METHODS[name].title} {mean(name)}" for name in names),
        )
    ]
