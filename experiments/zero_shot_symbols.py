"""What a table of attributes is good for before there is any image: which classes it tells apart.

Zero-shot recognition names a class by its row of the table. So classes with equal rows stay
confused however well attributes are recognised, and classes whose rows differ in little are
confused as soon as a few attributes are not. Both are counted here, from the table alone.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.fingerprints import fingerprint
from jtransfer.data import DataError
from jtransfer.data.loading import data_folder
from jtransfer.data.sources.attributes import ClassTable, read_csv
from jtransfer.measure import console_table, mean_std
from jtransfer.measure.bands import bands_figure
from jtransfer.train.run_folder import RunFolder
from jtransfer.transfer.zero_shot.class_signatures import same_signatures


@dataclass(frozen=True)
class Symbols:
    """Settings of `csv:<file>`."""

    leave_out: tuple[str, ...] = ()  # columns that are no attributes, such as `type` of zoo.csv
    guessed: tuple[float, ...] = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)  # shares of the attributes
    draws: int = 50  # for each share and seed


def alike(values: np.ndarray, classes: tuple[str, ...]) -> list[list[str]]:
    """The groups of classes with the same attributes, those of several classes only."""
    _, group = np.unique(values, axis=0, return_inverse=True)
    members = [np.flatnonzero(group.ravel() == each) for each in range(int(group.max()) + 1)]
    return sorted([classes[row] for row in rows] for rows in members if len(rows) > 1)


def only_by(values: np.ndarray) -> list[int]:
    """For each attribute, how many pairs of classes no other attribute tells apart."""
    pairs = len(same_signatures(values))
    return [
        len(same_signatures(np.delete(values, at, axis=1))) - pairs for at in range(values.shape[1])
    ]


def look_up(
    values: np.ndarray, share: float, draws: int, random: np.random.Generator
) -> tuple[float, float]:
    """Look classes up by attributes of which a share was guessed: those of a random class.

    Args:
      values: [classes, attributes] from 0 to 1.
      share: probability of each attribute to be guessed.
      draws: of every class.
      random: of the guesses.

    Returns:
      How often the class is found, where equally near ones share the point, and how often a class
      with the same attributes is.
    """
    count, width = values.shape
    same = (values[:, None] == values[None]).all(axis=2)
    exact = equal = 0.0
    for _ in range(draws):
        others = values[random.integers(0, count, (count, width)), np.arange(width)[None]]
        told = np.where(random.random((count, width)) < share, others, values)
        distances = ((told[:, None] - values[None]) ** 2).sum(axis=2)
        # The sums round differently for the same attributes in another class's row.
        nearest = distances <= distances.min(axis=1, keepdims=True) + 1e-9
        points = nearest / nearest.sum(axis=1, keepdims=True)
        exact += points.diagonal().mean()
        equal += (points * same).sum(axis=1).mean()
    return exact / draws, equal / draws


def scaled(table: ClassTable) -> np.ndarray:
    """Attributes from 0 to 1 over the classes, so that legs weigh as much as fins."""
    values = table.complete().astype(np.float64)
    low, high = values.min(axis=0), values.max(axis=0)
    return (values - low) / np.where(high > low, high - low, 1)


def run(
    symbols: Symbols, data: str, data_root: Path | None, out: Path, seeds: tuple[int, ...]
) -> dict[str, Any]:
    """Count what the table tells apart, print and draw it.

    Raises:
      DataError: if the file is missing or holds no table of attributes.
    """
    file = data.removeprefix("csv:")
    table = read_csv(data_folder(data_root) / file, leave_out=symbols.leave_out)
    settings = {
        "experiment": "zero_shot",
        "data": data,
        "leave_out": list(symbols.leave_out),
        "draws": symbols.draws,
        "seeds": list(seeds),
        "guessed": list(symbols.guessed),
        "fingerprint": fingerprint(table.values, table.classes, table.attributes),
    }
    folder = RunFolder(out / f"csv-{Path(file).stem}", settings)
    result = folder.result()
    if result is None:
        missing = int(np.isnan(table.values).sum())
        values = scaled(table.filled())
        constant = [
            name
            for name, spread in zip(table.attributes, np.ptp(values, axis=0), strict=True)
            if not spread
        ]
        if len(constant) == len(table.attributes):
            raise DataError(
                f"{table.name}: every attribute is the same in all classes; expected at least one "
                "that differs. Add attributes"
            )
        found = {
            share: [
                look_up(values, share, symbols.draws, np.random.default_rng((seed, number)))
                for seed in seeds
            ]
            for number, share in enumerate(symbols.guessed)
        }
        result = folder.write_result(
            {
                **settings,
                "classes": len(table.classes),
                "attributes": len(table.attributes),
                "missing": missing,
                "constant": constant,
                "alike": alike(values, table.classes),
                "pairs_alike": len(same_signatures(values)),
                "distinct": len(np.unique(values, axis=0)),
                "only_by": dict(zip(table.attributes, only_by(values), strict=True)),
                "found": {
                    f"{share:g}": [each[0] for each in runs] for share, runs in found.items()
                },
                "found_or_alike": {
                    f"{share:g}": [each[1] for each in runs] for share, runs in found.items()
                },
            }
        )
    show(result)
    bands_figure(
        {"the class itself": result["found"], "or one alike": result["found_or_alike"]},
        folder.path / "guessed.png",
        places=list(result["found"]),
        xlabel="share of the attributes that are guessed",
        ylabel=f"found among {result['classes']} classes",
        title=f"{data}: classes looked up by their {result['attributes']} attributes",
    )
    return result


def show(result: dict[str, Any]) -> None:
    """Print what the table does not tell apart, and how it bears mistakes."""
    print(
        f"{result['data']}: {result['classes']} classes, {result['attributes']} attributes, "
        f"{result['distinct']} different rows; {result['pairs_alike']} pairs of classes that no "
        "attribute tells apart:"
    )
    for group in result["alike"]:
        print(f"  {', '.join(group)}")
    if result["missing"]:
        print(f"{result['missing']} missing values were taken to be the other classes' mean")
    if result["constant"]:
        print(f"the same in all classes: {', '.join(result['constant'])}")
    needed = sorted(result["only_by"].items(), key=lambda each: -each[1])
    print("pairs that one attribute alone tells apart: ", end="")
    print(", ".join(f"{name} {pairs}" for name, pairs in needed if pairs) or "none")
    rows = [
        [f"{float(share):.0%}", mean_std(result["found"][share]), mean_std(runs)]
        for share, runs in result["found_or_alike"].items()
    ]
    print("\n" + console_table(["attributes guessed", "found", "found, or one alike"], rows))
