"""What the choice without a label gains and harms, beside every criterion and method alone."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import rankdata

from experiments.headline import Headline
from experiments.no_harm.figures import Line, gains_figure
from experiments.no_harm.pairs import DOMAINS, PAIRS
from experiments.wording import made_by
from jtransfer.measure import console_table, markdown_table, mean_std
from jtransfer.measure.choice import AGREED, SOURCE_ONLY
from jtransfer.measure.selection import best
from jtransfer.recipes.adaptation.development import DEVELOPMENT

Results = Sequence[dict[str, Any]]
Name = tuple[str, str]
Way = Callable[[dict[str, Any]], float]  # from a cell to the accuracy of what is taken

HARM = 0.01  # below source only
REGRET = 0.02  # goal for the mean one
FIGURE = "no_harm.png"
RANKED = ("class_clustering", "ensemble_agreement", "batch_nuclear_norm")
SURE = (0.0, 0.85, 0.95, 1.01)  # ends of the bins of sureness
TITLES = {
    "source": "source only",
    "standardised": "standardised",
    "coral": "CORAL",
    "sa": "SA",
    "transport": "transport",
    "self_training": "self-training",
    "ensemble": "ensemble",
}
CRITERIA = {
    "source_risk": "held-out source error",
    "class_clustering": "class clustering (AMI)",
    "ensemble_agreement": "agreement",
    "consensus": "consensus",
    "soft_neighborhood_density": "SND",
    "batch_nuclear_norm": "BNM",
    "information_maximization": "IM",
}


class Balance(NamedTuple):
    """What a way of choosing gains and harms over pairs, each the mean of its seeds.

    Attributes:
      pairs: how many there are.
      harmed: those more than a point below source only.
      worst: the least gain over source only.
      gain: the mean one.
      regret: to the best candidate of each cell, in the mean.
      cells_harmed: pairs and seeds more than a point below source only.
      cells: how many there are.
    """

    pairs: int
    harmed: int
    worst: float
    gain: float
    regret: float
    cells_harmed: int
    cells: int


def by_pair(results: Results) -> Mapping[Name, Results]:
    """The cells of every pair, in the order of `PAIRS`."""
    found: dict[Name, list[dict[str, Any]]] = {name: [] for name in PAIRS}
    for each in results:
        source, target = each["pair"]
        found.setdefault((source, target), []).append(each)
    return {name: cells for name, cells in found.items() if cells}


def taken_by(criterion: str) -> Way:
    """The accuracy of what a criterion takes by itself."""

    def way(cell: dict[str, Any]) -> float:
        names = list(cell["criteria"])
        values = [cell["criteria"][name][criterion] for name in names]
        return cell["accuracy"][names[best(criterion, values)]]

    return way


def by_ranks(cell: dict[str, Any]) -> str:
    """The candidate of the least sum of ranks over three criteria, the first of equals."""
    criteria = cell["criteria"]
    ranks = rankdata([[-row[each] for each in RANKED] for row in criteria.values()], axis=0)
    return list(criteria)[int(ranks.sum(axis=1).argmin())]


def always(method: str) -> Way:
    """The accuracy of one method."""
    return lambda cell: cell["accuracy"][method]


def oracle(cell: dict[str, Any]) -> float:
    """The accuracy of the best candidate, which labels of the target tell."""
    return max(cell["accuracy"].values())


def balance(results: Results, way: Way) -> Balance:
    """Gains and harms of a way of choosing."""
    gains, regrets, single = [], [], []
    for cells in by_pair(results).values():
        gained = [way(cell) - cell["accuracy"][SOURCE_ONLY] for cell in cells]
        gains.append(np.mean(gained))
        regrets.append(np.mean([oracle(cell) - way(cell) for cell in cells]))
        single += gained
    # Of means of shares a last digit may be lost.
    harmed, cells_harmed = (int((np.array(each) < -HARM - 1e-9).sum()) for each in (gains, single))
    return Balance(
        len(gains),
        harmed,
        float(min(gains)),
        float(np.mean(gains)),
        float(np.mean(regrets)),
        cells_harmed,
        len(single),
    )


def ways(results: Results) -> dict[str, Way]:
    """All ways of choosing, in the order of the table."""
    methods = [name for name in TITLES if name in results[0]["accuracy"]]
    return {
        "**the choice**": chosen,
        f"ranks by {', '.join(CRITERIA[each] for each in RANKED)}": lambda cell: cell["accuracy"][
            by_ranks(cell)
        ],
        **{f"{CRITERIA[name]} alone": taken_by(name) for name in CRITERIA if name != "consensus"},
        **{f"always {TITLES[name]}": always(name) for name in methods},
        "oracle": oracle,
    }


def points(share: float) -> str:
    """A difference of shares in points."""
    return f"{100 * share:+.1f}"


def chosen(cell: dict[str, Any]) -> float:
    """The accuracy of what was chosen."""
    return cell["accuracy"][cell["chosen"]]


def balance_rows(results: Results, before: Results = ()) -> list[list[str]]:
    """A row for every way of choosing, and one for the choice that was there before."""
    table = [(name, results, way) for name, way in ways(results).items()]
    if before:
        table.insert(1, ("the choice before", before, chosen))
    rows = []
    for name, cells, way in table:
        of = balance(cells, way)
        rows.append(
            [
                name,
                f"{of.harmed} of {of.pairs}",
                points(of.worst),
                points(of.gain),
                f"{100 * of.regret:.1f}",
                f"{of.cells_harmed} of {of.cells}",
            ]
        )
    return rows


BALANCE = ("taken", "pairs harmed", "worst pair", "mean gain", "mean regret", "runs harmed")


def sureness_rows(results: Results) -> list[list[str]]:
    """What came of choices of another model than source only, by how sure they were."""
    rows = []
    for low, high in pairwise(SURE):
        cells = [
            each
            for each in results
            if low <= each["sureness"] < high and each["chosen"] != SOURCE_ONLY
        ]
        if cells:
            gains = np.array([_gain(each) for each in cells])
            rows.append(
                [
                    f"{low:.2f} to {min(high, 1):.2f}",
                    str(len(cells)),
                    str(int((gains < -HARM - 1e-9).sum())),
                    points(float(gains.mean())),
                ]
            )
    return rows


def _gain(cell: dict[str, Any]) -> float:
    return chosen(cell) - cell["accuracy"][SOURCE_ONLY]


def console(results: Results) -> str:
    """Both tables, for the terminal."""
    pairs = console_table(*accuracies(results))
    return f"{pairs}\n\n{console_table(BALANCE, balance_rows(results))}"


def accuracies(results: Results) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the accuracies of every method, pair by pair, and their mean."""
    methods = {name: TITLES[name] for name in TITLES if name in results[0]["accuracy"]}
    taken = {title: always(name) for name, title in methods.items()} | {
        "the choice": chosen,
        "oracle": oracle,
    }
    rows, pairs = [], by_pair(results)
    for (source, target), cells in pairs.items():
        mark = " (development)" if (source, target) in DEVELOPMENT else ""
        row = [f"{source} → {target}{mark}", listed_seeds(cells)]
        row += [mean_std([way(cell) for cell in cells]) for way in taken.values()]
        rows.append([*row, f"{np.mean([cell['sureness'] for cell in cells]):.2f}"])
    of_pairs = [
        np.mean([np.mean([way(cell) for cell in cells]) for cells in pairs.values()])
        for way in taken.values()
    ]
    rows.append([f"mean of {len(pairs)} pairs", "", *(f"{mean:.3f}" for mean in of_pairs), ""])
    return ["pair", "seeds", *taken, "sure"], rows


def split_pairs(results: Results) -> tuple[Results, Results]:
    """The development pairs' cells and the others'."""
    seen = [each for each in results if tuple(each["pair"]) in DEVELOPMENT]
    return seen, [each for each in results if tuple(each["pair"]) not in DEVELOPMENT]


def no_harm(results: Results, before: Results = ()) -> str:
    """The page's section.

    Args:
      results: of the choice as it is.
      before: of the choice by ranks among six candidates, which was there before.
    """
    if not results:
        return ""
    first = results[0]
    seen, others = split_pairs(results)
    seen_before, others_before = split_pairs(before)
    minutes = sum(each["seconds"] for each in results) / 60
    parts = [
        "## No harm: a choice without a label of the target",
        f"Features of a frozen {first['net']}, layer {first['layer']}, averaged over the pixels: "
        f"PACS at {first['photographs']} pixels, digits and signs scaled up to {first['small']}. A "
        f"run draws {first['most']['source']:,} labelled images of the source (all where there are "
        "fewer), a fifth of which is held out for the choice, and up to "
        f"{first['most']['target']:,} of the target without labels; other images of the target, "
        f"up to {first['most']['test']:,}, judge. Each method of `fit_feature_methods` is a "
        f"candidate, and source only always is. The choice takes the candidate of the best class "
        f"clustering among those that guess as all do together on {AGREED:.0%} of the target or "
        "more (consensus). Harmed is a pair whose mean over its seeds ends more than a point below "
        "source only. Regret is to the best candidate of each run, by the target's labels. SVHN is "
        "the reduced protocol of `tiles:svhn10k`: 7,016 images stand for 73,257.",
    ]
    if before:
        parts.append(
            "Before, the candidate of the least sum of ranks by three criteria was taken among the "
            "first six, with self-training from what source only guesses, on features that were "
            "not standardised by domain. That had been run on all pairs, and seen, when this rule "
            "and the candidates were decided anew, on the development pairs alone: with other "
            "draws, with 300 images of the source, and with targets whose classes are up to ten "
            "times less frequent than others."
        )
    for text, cells, earlier in (
        ("the pairs on which nothing was decided, run once", others, others_before),
        (
            "the development pairs, on which layer, settings and rule were decided",
            seen,
            seen_before,
        ),
    ):
        if cells:
            parts += [
                f"On {text}{verdict(cells) if cells is others else ''}:",
                markdown_table(BALANCE, balance_rows(cells, earlier)),
            ]
    if others:
        parts += [
            "How sure the choice said it was, where it took another model than source only, on "
            "those pairs:",
            markdown_table(("sure", "runs", "harmed", "mean gain"), sureness_rows(others)),
        ]
        parts.append(f"![The gain of every candidate over source only]({FIGURE})")
    for text, domains in (("PACS", True), ("Digits and signs", False)):
        cells = [each for each in results if DOMAINS[each["pair"][0]].is_folder == domains]
        if cells:
            parts.append(f"{text}, accuracy, and how sure the choice is (its consensus):")
            parts.append(markdown_table(*accuracies(cells)))
    parts.append(
        f"{len(results)} runs, {minutes:.0f} minutes one after the other, on a machine that did "
        f"much other work beside it. {made_by(results)}"
    )
    return "\n\n".join(parts) + "\n"


def verdict(results: Results) -> str:
    """Whether the goals are reached, in words."""
    of = balance(results, chosen)
    harm = "reached" if not of.harmed else "missed"
    regret = "reached" if of.regret <= REGRET else "missed"
    return f" (goals: no pair harmed, {harm}; a mean regret of 2.0 points at most, {regret})"


def listed_seeds(results: Results) -> str:
    """The seeds of the runs."""
    return ", ".join(str(seed) for seed in sorted({each["seed"] for each in results}))


def draw(results: Results, before: Results, folder: Any) -> None:
    """The section's figure, into the folder of the pages."""
    _, others = split_pairs(results)
    if not others:
        return
    lines = []
    for (source, target), cells in by_pair(others).items():

        def gain(way: Way, cells: Results = cells) -> float:
            return 100 * float(np.mean([way(each) - always(SOURCE_ONLY)(each) for each in cells]))

        methods: Mapping[str, float] = cells[0]["accuracy"]
        gains = [gain(always(name)) for name in methods if name != SOURCE_ONLY]
        lines.append(Line(f"{source} → {target}", gains, gain(chosen), max(0.0, *gains)))
    gains_figure(
        lines,
        folder / FIGURE,
        harm=100 * HARM,
        title="What the choice without a label gains on frozen features",
    )


def headlines(results: Results, before: Results = ()) -> list[Headline]:
    """Harm, gain and regret of the choice on pairs where nothing was decided."""
    _, others = split_pairs(results)
    if not others:
        return []
    of = balance(others, chosen)
    return [
        Headline(
            "Adaptation on frozen features, chosen without a label: pairs that end more than a "
            f"point below source only, mean gain and regret in points over {of.pairs} pairs",
            f"{of.harmed} of {of.pairs}; {points(of.gain)}; {100 * of.regret:.1f}",
        )
    ]
