"""The tables of retrieval, and what of them stands on the front page."""

from typing import Any

from experiments.headline import Headline
from experiments.made_by import made_by
from experiments.published import RETRIEVAL
from jtransfer.measure import console_table, markdown_table
from jtransfer.recipes.features.image_search import PLAIN

Results = list[dict[str, Any]]


def retrieval(results: Results) -> str:
    """A table of all nets and representations."""
    if not results:
        return ""
    rows = []
    for each in results:
        for name, measured in each["measured"].items():
            label = f"{each['net']} {each['layer']}, {name}"
            rows.append([label, *(f"{value:.3f}" for value in measured.values())])
    columns = list(next(iter(results[0]["measured"].values())))
    published = "; ".join(
        f"{name}: " + ", ".join(f"{place} {value:.3f}" for place, value in places.items())
        for name, places in RETRIEVAL.items()
    )
    first = results[0]
    return (
        "\n\n".join(
            [
                "## Retrieval",
                f"{first['queries']} queries of each class in all other images of "
                f"`{first['features']['data'].split()[0]}`, exact search by cosine, seed "
                f"{first['seed']}; PCA to {first['components']} components, signed power "
                f"{first['power']:g}.",
                markdown_table(["features", *columns], rows),
                f"For orientation, mAP of Sharif Razavian et al. 2014 on landmarks: {published} "
                f"(the last with augmentation and spatial search). {made_by(first)}.",
            ]
        )
        + "\n"
    )


def headlines(results: Results) -> list[Headline]:
    """The representation of each net with the highest mean average precision."""
    rows = []
    for each in results:
        name, scores = max(each["measured"].items(), key=lambda item: item[1]["mAP"])
        data = each["features"]["data"].split()[0]
        task = f"retrieval in {data}: {name}, {each['net']} {each['layer']}"
        rows.append(Headline(task, f"mAP {scores['mAP']:.3f}, recall@1 {scores['recall@1']:.3f}"))
    return rows


def table(result: dict[str, Any]) -> str:
    """A row for every representation, beside the paper's."""
    columns = list(result["measured"][PLAIN])
    places = list(RETRIEVAL[PLAIN])
    rows = [
        [
            name,
            *(f"{measured[column]:.4f}" for column in columns),
            *(f"{RETRIEVAL[name][place]:.3f}" if name in RETRIEVAL else "" for place in places),
        ]
        for name, measured in result["measured"].items()
    ]
    return console_table(["representation", *columns, *places], rows)
