"""The tables of domain adaptation, and what of them stands on the front page."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.adapt_digits.pairs import NETS, PAIRS
from experiments.headline import Headline
from experiments.published import papers_of, published
from jtransfer.measure import gap_closed, markdown_table, mean_std
from jtransfer.recipes.adaptation.methods import METHODS

ADDED = {
    "paper": "the paper's net",
    "normed": "with batch norm per domain and dropout .5 of {dropped}",
    "augmented": "with batch norm and dropout, on images standardised one by one and changed by "
    "random affine maps and random convolutions, both domains' in training; image translation's, "
    "which stay in 0..1, by affine maps alone",
}
# What dropout acts on, by the pair's net.
_MAPS, _UNITS = "whole maps before the second pool", "the domain head's hidden units"
DROPPED = {"mnist": _MAPS, "lenet": _MAPS, "svhn": _UNITS, "gtsrb": _UNITS}
ON = {"paper": ", the paper's net", "normed": "", "augmented": ", augmented"}  # on the front page
CRITERIA = {
    "last step": "last step",
    "source_risk": "source error",
    "soft_neighborhood_density": "SND",
    "batch_nuclear_norm": "BNM",
    "information_maximization": "IM",
    "oracle": "oracle",
}
NONE = "–"
# What the discriminators read where they do not read class logits.
FEATURES = {"adda": ", on features", "translation": ", on codes"}
Results = list[dict[str, Any]]


def domain_adaptation(results: Results) -> str:
    """A section for every pair, a table for every net."""
    groups: dict[tuple[str, str], Results] = defaultdict(list)
    for result in results:
        groups[result["pair"], result["net"]].append(result)
    parts = ["## Unsupervised domain adaptation", whole_time(results)] if results else []
    for pair, about in PAIRS.items():
        nets = [net for net in ADDED if (pair, net) in groups]
        if nets:
            parts.append(
                f"### `{about.source}` → `{about.target}`, tested on `{about.target_test}`"
            )
            parts.append(about.protocol)
            for net in nets:
                parts.append(adaptation_table(pair, net, groups[pair, net]))
                parts.append(selection_table(groups[pair, net]))
    if parts:
        parts.append(decided_after_looking({pair for pair, _ in groups}))
    return "\n\n".join(part for part in parts if part) + "\n" if parts else ""


def decided_after_looking(pairs: set[str]) -> str:
    """What was decided after a look at the target's test accuracy, pair by pair."""
    parts = ["### Decided after looking at the target's test accuracy"]
    for pair, about in PAIRS.items():
        if pair in pairs:
            items = "\n".join(f"- {each}" for each in about.seen.split("; "))
            parts.append(f"`{about.source}` → `{about.target}`:\n\n{items}")
    return "\n\n".join(parts)


def headlines(results: Results) -> list[Headline]:
    """Source only, DANN and the best method that sees no target label, for every pair.

    Of a method's rows that of most seeds, for one seed may be lucky; of these the best, with the
    net that it is of.
    """
    rows = []
    for pair, about in PAIRS.items():
        means: dict[str, tuple[int, float, str, str]] = {}
        for net in ADDED:
            for cells in alike([e for e in results if (e["pair"], e["net"]) == (pair, net)]):
                accuracies = [each["target_accuracy"] for each in cells]
                title = title_of(cells[0]) + ON[net]
                measured = mean_std(accuracies)
                found = len(accuracies), float(np.mean(accuracies)), measured, title
                method = cells[0]["method"]
                means[method] = max(found, means.get(method, found))
        free = {method: means[method] for method in means if method not in ("source", "target")}
        if not free:
            continue
        best = max(free, key=lambda method: free[method][1])
        for method in dict.fromkeys(("source", "dann", best, "target")):
            if method in means:
                beside = [
                    f"{published(pair, method, paper)} ({paper})"
                    for paper in papers_of(pair)
                    if published(pair, method, paper) != NONE
                ]
                _, _, measured, title = means[method]
                domains = f"{about.source} → {about.target}"
                if about.protocol:
                    domains += ", reduced protocol"
                rows.append(Headline(f"{domains}: {title}", measured, ", ".join(beside) or NONE))
    return rows


def adaptation_table(pair: str, net: str, results: Results) -> str:
    """A row for every method and number of steps, beside the published ones."""
    papers = papers_of(pair)
    runs = alike(results)
    rows = []
    for cells in runs:
        method, accuracies = cells[0]["method"], [each["target_accuracy"] for each in cells]
        # The later one counts: the ends of as many steps, where there are such.
        as_long = sorted(runs, key=lambda each: each[0]["steps"] == cells[0]["steps"])
        ends = {
            of_end[0]["method"]: float(np.mean([each["target_accuracy"] for each in of_end]))
            for of_end in as_long
            if width_of(of_end[0]) == width_of(cells[0])
            and architecture_of(of_end[0]) == architecture_of(cells[0])
            and (
                of_end[0]["method"] == "target"
                or (of_end[0]["method"] == "source" and source_of(of_end[0]) == source_of(cells[0]))
            )
        }
        rows.append(
            [
                title_of(cells[0]),
                mean_std(accuracies),
                gap_column(method, {**ends, method: float(np.mean(accuracies))}),
                mean_std([each["proxy_a_distance"] for each in cells], digits=2),
                f"{cells[0]['steps']:,}",
                ", ".join(str(each["seed"]) for each in cells),
                mean_seconds(cells),
                *(published(pair, method, paper) for paper in papers),
            ]
        )
        if "oracle" in cells[0] and method == "sa":
            oracles = [each["oracle"]["target_accuracy"] for each in cells]
            row = [f"{title_of(cells[0])}, oracle's dimension", mean_std(oracles)]
            rows.append([*row, *[NONE] * (5 + len(papers))])
    header = ["method", "accuracy", "gap closed", "proxy A-distance", "steps", "seeds", "time"]
    devices = ", ".join(sorted({each["made_by"]["device"] for each in results}))
    versions = results[0]["made_by"]["versions"]
    plain = next((each for each in results if "momentum" in each), None)
    what = ADDED[net].format(dropped=DROPPED[PAIRS[pair].net]).capitalize()
    how = [f"**{what}**. Batch {results[0]['batch']} of each domain; last step."]
    others = {architecture_of(each) for each in results} - {PAIRS[pair].net}
    how += [f"Dropout of the {each} net is of {DROPPED[each]}." for each in sorted(others)]
    if plain is not None:
        falls = " / (1 + 10 p)^.75" if plain.get("options", {}).get("annealed", True) else ""
        how.append(
            f"Source only, DANN and train on target: SGD {plain['rate']}{falls}, "
            f"momentum {plain['momentum']}, lambda 2 / (1 + exp(-{plain['gamma']:g} p)) - 1."
        )
    if any("source_steps" in each for each in results):
        how.append("SA and ADDA start from the source-only run, whose time is not in theirs.")
    if any(each.get("judged") == "logits" for each in results):
        how.append(
            "The discriminators of ADDA and of translation's codes read class logits where their "
            "row does not say what else."
        )
    return "\n\n".join(
        [
            " ".join(how),
            markdown_table([*header, *papers], rows),
            f"A run had {devices}; jax {versions['jax']}, flax {versions['flax']}.",
        ]
    )


def selection_table(results: Results) -> str:
    """The accuracy of the checkpoints that label-free criteria take, and an oracle's."""
    rows = []
    for cells in alike(results):
        looked = [each for each in cells if "checkpoints" in each]
        if looked and cells[0]["method"] not in ("source", "target"):
            taken = [
                {"last step": each["target_accuracy"]}
                | {name: at["target_accuracy"] for name, at in each["checkpoints"].items()}
                for each in looked
            ]
            accuracies = [mean_std([each[name] for each in taken]) for name in CRITERIA]
            steps, averaged = f"{cells[0]['steps']:,}", averaged_column(cells)
            rows.append([title_of(cells[0]), steps, averaged, *accuracies])
    if not rows:
        return ""
    header = ["method", "steps", "weights averaged", *CRITERIA.values()]
    text = (
        "Which checkpoint would have been taken, without a label of the target, and by an oracle "
        "that sees the test labels"
    )
    column = header.index("weights averaged")
    if all(row[column] == NONE for row in rows):
        for row in (header, *rows):
            del row[column]
    else:
        text += "; first with a running average of the weights at the last step"
    return f"{text}:\n\n{markdown_table(header, rows)}"


def title_of(result: dict[str, Any]) -> str:
    """The method's name, and what its net or its discriminator is where runs differ in that."""
    method = result["method"]
    title = METHODS[method].title
    if "stable dimension" in result.get("chosen_by", ""):
        title += ", dimension by the paper's bound"
    if result.get("judged") != "logits":
        title += FEATURES.get(method, "")
    if method == "teacher" and aligned_wholly(result):
        title += ", beside an adversary"
    if architecture_of(result) != PAIRS[result["pair"]].net:
        title += f", the {architecture_of(result)} net"
    width = width_of(result)
    if width is not None:
        title += f", {width:g} of the channels"
    return title


def aligned_wholly(result: dict[str, Any]) -> bool:
    """Whether a mean teacher took frequencies to be alike that now are said not to be."""
    return not PAIRS[result["pair"]].like_frequencies and "alignment" not in result


def architecture_of(result: dict[str, Any]) -> str:
    """Key of the net whose layers a run had."""
    if "options" not in result:
        return PAIRS[result["pair"]].net
    called = {f"{net.__module__}.{net.__qualname__}": key for key, net in NETS.items()}
    return called[result["options"]["net"]]


def width_of(result: dict[str, Any]) -> float | None:
    """Share of the net's channels that a run kept; None where it is the small preset's, or all."""
    pair = PAIRS[result["pair"]]
    usual = (pair.small_width if architecture_of(result) == pair.net else None) or 1.0
    kept = result["options"]["net_options"].get("width", 1.0) if "options" in result else usual
    return None if kept == usual else kept


def source_of(result: dict[str, Any]) -> str:
    """Fingerprint of the source that a run saw; none of one that saw the target alone."""
    return "" if result["method"] == "target" else result.get("data", {}).get("source", "")


def gap_column(method: str, means: Mapping[str, float]) -> str:
    """Share of the gap between source only and train on target that a method closes, in words.

    A dash for the two ends, without them, and where there is no gap.
    """
    if method in ("source", "target") or not {"source", "target"} <= means.keys():
        return NONE
    if means["source"] >= means["target"]:
        return NONE
    return f"{gap_closed(means['source'], means[method], means['target']):.1%}"


def averaged_column(cells: Results) -> str:
    """Accuracy with averaged weights over the runs of a method; a dash where none were kept."""
    if not all("averaged" in each for each in cells):
        return NONE
    return mean_std([each["averaged"]["target_accuracy"] for each in cells])


def alike(results: Results) -> list[Results]:
    """The runs that differ by their seed alone, in the order of the methods and their steps."""
    runs: dict[tuple[int, int, str, str], Results] = defaultdict(list)
    order = list(METHODS)
    for result in results:
        of = order.index(result["method"]), result["steps"], title_of(result), source_of(result)
        runs[of].append(result)
    return [runs[of] for of in sorted(runs)]


def whole_time(results: Results) -> str:
    """What all the runs took; of one that was interrupted, what it took since."""
    at_length = [
        each
        for each in results
        if each["steps"] == PAIRS[each["pair"]].steps_of(each["method"], "paper")
    ]
    devices = ", ".join(sorted({each["made_by"]["device"] for each in results}))
    text = (
        f"All {len(results)} runs took {hours(results):.1f} hours one after the other, "
        f"{hours(results, per_core=True):.1f} hours of a core ({devices})"
    )
    if at_length:
        text += (
            f"; {hours(at_length, per_core=True):.1f} of these, runs of as many steps as "
            "`--preset paper` has"
        )
    return text + "."


def hours(results: Results, *, per_core: bool = False) -> float:
    """Hours that runs took one after the other, or those times the cores that each had."""

    def cores(result: dict[str, Any]) -> int:
        said = re.search(r"(\d+) cores?\)", result["made_by"]["device"])
        return int(said[1]) if said and per_core else 1

    return sum(each["seconds"] * cores(each) for each in results) / 3600


def mean_seconds(cells: Results) -> str:
    """Mean time of the runs that were not interrupted, which alone have been timed whole."""
    times = [each["seconds"] for each in cells if not each["started_at_step"]]
    return f"{np.mean(times):,.0f} s" if times else NONE
