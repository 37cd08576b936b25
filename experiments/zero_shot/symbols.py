"""A table of classes and attributes by itself: counted, printed and drawn."""

from pathlib import Path
from typing import Any

from experiments.zero_shot.config import Symbols
from experiments.zero_shot.rows import FOUND_HEADER, found_rows
from jtransfer.data.loading import data_folder
from jtransfer.data.sources.attributes import read_csv
from jtransfer.measure import console_table
from jtransfer.measure.bands import bands_figure
from jtransfer.recipes.zero_shot.table_audit import audit_table
from jtransfer.train.fingerprints import fingerprint
from jtransfer.train.run_folder import RunFolder


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
        counted = audit_table(table, guessed=symbols.guessed, draws=symbols.draws, seeds=seeds)
        result = folder.write_result({**settings, **counted})
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
    print("\n" + console_table(FOUND_HEADER, found_rows(result)))
