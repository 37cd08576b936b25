"""The tables of few-shot episodes, and what of them stands on the front page."""

from typing import Any

from experiments.headline import Headline
from experiments.made_by import made_by
from jtransfer.measure import console_table, markdown_table

FRONT = ("1", "5")  # shots on the front page, as papers have them
Results = list[dict[str, Any]]


def few_shot(results: Results) -> str:
    """A row for every net and classifier, a column for every number of shots."""
    if not results:
        return ""
    first = results[0]
    rows = [
        [
            f"{each['net']} {each['layer']}, {name}",
            *(f"{mean:.3f} ± {half:.3f}" for mean, half in by_shots.values()),
        ]
        for each in results
        for name, by_shots in each["measured"].items()
    ]
    times = ", ".join(f"{each['seconds']} s ({each['net']})" for each in results)
    solved = len(first["measured"]) * len(first["shots"]) * first["episodes"]
    return (
        "\n\n".join(
            [
                "## Few-shot",
                f"Episodes of {first['ways']} classes of "
                f"`{first['features']['data'].split()[0]}`, {first['queries']} queries a class, "
                f"{first['episodes']:,} episodes for each number of shots, mean accuracy and 95% "
                "interval over episodes; features of length 1.",
                markdown_table(["features", *(f"{k}-shot" for k in first["shots"])], rows),
                f"All {solved:,} episodes, drawn, compiled and solved, while the machine did other "
                f"work: {times}. {made_by(first)}.",
            ]
        )
        + "\n"
    )


def headlines(results: Results) -> list[Headline]:
    """The best classifier of each net at one shot and at five."""
    rows = []
    for each in results:
        data = each["features"]["data"].split()[0]
        for shots in FRONT:
            if int(shots) in each["shots"]:
                name, by_shots = max(each["measured"].items(), key=lambda item: item[1][shots][0])
                mean, half = by_shots[shots]
                task = f"{each['ways']}-way {shots}-shot in {data}"
                task += f": {name}, {each['net']} {each['layer']}"
                rows.append(Headline(task, f"{mean:.3f} ± {half:.3f} (95% interval)"))
    return rows


def table(result: dict[str, Any]) -> str:
    """A row for every classifier, a column for every number of shots."""
    rows = [
        [name, *(f"{mean:.3f} ± {half:.3f}" for mean, half in by_shots.values())]
        for name, by_shots in result["measured"].items()
    ]
    shots = next(iter(result["measured"].values()))
    return console_table(["classifier", *(f"{each}-shot" for each in shots)], rows)
