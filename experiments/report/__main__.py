"""Write the benchmark pages from result files.

    python -m experiments.report                     (from experiments/results/)
    python -m experiments.report --collect checkpoints

BENCHMARKS.md has the headline of every table, docs/benchmarks/<subject>.md each table whole, with
its figures beside it.

With `--collect` the `result.json` of every finished run below a folder is first copied to
experiments/results/<experiment>/<run>.json; a copy that is there already and differs is an error.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.command import run_command
from experiments.report.pages import PAGES, Page
from jtransfer.files.writing import write_text
from jtransfer.measure import markdown_table
from jtransfer.train.run_folder import read_json, write_json

HOW = """Measured by the scripts in `experiments/`; written by `python -m experiments.report` from
the files in `experiments/results/`, never by hand. Accuracies are shares of the target's test set,
mean ± standard deviation over seeds or folds."""
REPRODUCE = """`python -m experiments.<name> --help` says an experiment's data, the exact commands
and how long they take; every table names its seeds, steps, device and time. `python -m
experiments.report --collect checkpoints` puts finished runs into the tables."""


@dataclass(frozen=True)
class Config:
    """Settings of a report."""

    collect: Path | None = None  # copy the results of the finished runs below this folder first
    results: Path = Path("experiments/results")  # where results are kept
    out: Path = Path("BENCHMARKS.md")  # the front page
    pages: Path = Path("docs/benchmarks")  # folder of the others


def collect(folder: Path, results: Path) -> list[Path]:
    """Copy finished results below `folder` into `results`; return what is new.

    Raises:
      FileExistsError: if a result of that name is there and differs.
    """
    new = []
    for file in sorted(folder.glob("**/result.json")):
        content = read_json(file, dict, remedy=f"Remove it, or {file.parent} with it")
        copy = results / content["experiment"] / f"{file.parent.name}.json"
        if copy.exists():
            if read_json(copy, dict, remedy="Remove it, and collect it anew") != content:
                raise FileExistsError(
                    f"{copy} differs from {file}; remove the one that should not count"
                )
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        write_json(copy, content)
        new.append(copy)
    return new


def read(results: Path, experiment: str) -> list[dict[str, Any]]:
    """All results of an experiment, in order of their names."""
    files = sorted((results / experiment).glob("*.json"))
    return [
        read_json(file, dict, remedy="Put it back, such as by git, or remove it") for file in files
    ]


def front_page(config: Config) -> str:
    """The headline of every table, and where it stands whole."""
    rows = [
        [each.task, each.measured, each.published, f"[{name}]({config.pages.as_posix()}/{name}.md)"]
        for name, page in PAGES.items()
        for section in page.sections
        for each in section.headlines(*(read(config.results, of) for of in section.experiments))
    ]
    parts = ["# Benchmarks", HOW]
    if rows:
        parts += [markdown_table(["task", "measured", "published", "whole table"], rows)]
        parts += [f"Measured on {devices(config.results)}.", REPRODUCE]
    return "\n\n".join(parts) + "\n"


def devices(results: Path) -> str:
    """Every device that a result was made on, in words."""
    made = (
        each.get("made_by", {})
        for folder in results.glob("*/")
        for each in read(results, folder.name)
    )
    return ", ".join(sorted({each["device"] for each in made if "device" in each}))


def whole_page(page: Page, results: Path) -> str:
    """All tables of a page; empty where there is none."""
    sections = [
        section.write(*(read(results, of) for of in section.experiments))
        for section in page.sections
    ]
    tables = [*filter(None, sections)]
    return "\n".join([f"# {page.title}\n", f"{HOW}\n", *tables]) if tables else ""


def main(config: Config) -> str:
    """Collect if asked to, then write the pages; the text of the front page."""
    if config.collect is not None:
        for copy in collect(config.collect, config.results):
            print(f"new: {copy}")
    config.pages.mkdir(parents=True, exist_ok=True)
    pages = {name: whole_page(page, config.results) for name, page in PAGES.items()}
    written = {name: page for name, page in pages.items() if page}
    for name, page in written.items():
        write_text(config.pages / f"{name}.md", page)
        for section in PAGES[name].sections:
            section.draw(*(read(config.results, of) for of in section.experiments), config.pages)
    text = front_page(config)
    write_text(config.out, text)
    print(f"wrote {config.out} and {len(written)} pages in {config.pages}")
    return text


if __name__ == "__main__":
    run_command(main, Config, __doc__)
