"""Write the tables of BENCHMARKS.md from result files.

    python -m experiments.report                     (from experiments/results/)
    python -m experiments.report --collect checkpoints

With `--collect` the `result.json` of every finished run below a folder is first copied to
experiments/results/<experiment>/<run>.json; a copy that is there already and differs is an error.
"""

import json
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from experiments.domain_pairs import METHODS, PAIRS, gap_column
from experiments.feature_tables import few_shot, layer_probes, retrieval
from experiments.fine_tune_tables import fine_tuned_images, fine_tuning, layer_transfer
from experiments.published import DOMAIN_ADAPTATION
from experiments.speaker_tables import speaker_adaptation
from experiments.throughput_tables import dann_step, feature_extraction, probe_solver
from jtransfer.measure import markdown_table, mean_std
from jtransfer.train.run_folder import write_json

NETS = {
    "paper": "the paper's net",
    "normed": "with batch norm per domain and channel dropout .5 before the second pool",
}
HEAD = """# Benchmarks

Measured by the scripts in `experiments/`; written by `python -m experiments.report` from the files
in `experiments/results/`, never by hand. Accuracies are shares of the target's test set, mean ±
standard deviation over seeds or folds.
"""


@dataclass(frozen=True)
class Config:
    """Settings of a report."""

    collect: Path | None = None  # copy the results of the finished runs below this folder first
    results: Path = Path("experiments/results")  # where results are kept
    out: Path = Path("BENCHMARKS.md")  # what is written


def collect(folder: Path, results: Path) -> list[Path]:
    """Copy finished results below `folder` into `results`; return what is new.

    Raises:
      FileExistsError: if a result of that name is there and differs.
    """
    new = []
    for file in sorted(folder.glob("**/result.json")):
        content = json.loads(file.read_text())
        copy = results / content["experiment"] / f"{file.parent.name}.json"
        if copy.exists():
            if json.loads(copy.read_text()) != content:
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
    return [json.loads(file.read_text()) for file in sorted((results / experiment).glob("*.json"))]


def domain_adaptation(results: list[dict[str, Any]]) -> str:
    """A section for every pair, a table for every net."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        groups[result["pair"], result["net"]].append(result)
    parts = ["## Unsupervised domain adaptation"] if results else []
    for pair, about in PAIRS.items():
        nets = [net for net in NETS if (pair, net) in groups]
        if nets:
            parts.append(
                f"### `{about.source}` → `{about.target}`, tested on `{about.target_test}`"
            )
            parts.append(f"Decided after looking at the target's test accuracy: {about.seen}.")
            parts.extend(adaptation_table(pair, net, groups[pair, net]) for net in nets)
    return "\n\n".join(parts) + "\n" if parts else ""


def adaptation_table(pair: str, net: str, results: list[dict[str, Any]]) -> str:
    """A row for every method and number of steps, beside the published ones."""
    published = DOMAIN_ADAPTATION.get(pair, {})
    papers = list(next(iter(published.values()), {}))
    runs: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        runs[result["method"], result["steps"]].append(result)
    ends = {
        method: float(np.mean([each["target_accuracy"] for each in cells]))
        for (method, _), cells in runs.items()
        if method in ("source", "target")
    }
    rows = []
    for method, steps in sorted(runs, key=lambda key: (list(METHODS).index(key[0]), key[1])):
        cells = runs[method, steps]
        accuracies = [each["target_accuracy"] for each in cells]
        rows.append(
            [
                METHODS[method],
                mean_std(accuracies),
                gap_column(method, {**ends, method: float(np.mean(accuracies))}),
                mean_std([each["proxy_a_distance"] for each in cells], digits=2),
                f"{steps:,}",
                ", ".join(str(each["seed"]) for each in cells),
                mean_seconds(cells),
                *(f"{published[method][paper]:.4f}" for paper in papers),
            ]
        )
    header = ["method", "accuracy", "gap closed", "proxy A-distance", "steps", "seeds", "time"]
    first = results[0]
    devices = ", ".join(sorted({each["made_by"]["device"] for each in results}))
    versions = first["made_by"]["versions"]
    return "\n\n".join(
        [
            f"**{NETS[net].capitalize()}**. Batch {first['batch']} of each domain; chosen by: "
            f"{first['chosen_by']}; SGD {first['rate']} / (1 + 10 p)^.75, momentum "
            f"{first['momentum']}, lambda 2 / (1 + exp(-{first['gamma']:g} p)) - 1.",
            markdown_table([*header, *papers], rows),
            f"A run had {devices}; jax {versions['jax']}, flax {versions['flax']}.",
        ]
    )


def mean_seconds(cells: list[dict[str, Any]]) -> str:
    """Mean time of the runs that were not interrupted, which alone have been timed whole."""
    times = [each["seconds"] for each in cells if not each["started_at_step"]]
    return f"{np.mean(times):,.0f} s" if times else "–"


def main(config: Config) -> str:
    """Collect if asked to, then write the report."""
    if config.collect is not None:
        for copy in collect(config.collect, config.results):
            print(f"new: {copy}")
    throughput = [
        dann_step(read(config.results, "benchmark")),
        feature_extraction(read(config.results, "benchmark_features")),
        probe_solver(read(config.results, "benchmark_probe")),
    ]
    sections = [
        layer_probes(read(config.results, "probe_layers")),
        retrieval(read(config.results, "retrieve")),
        few_shot(read(config.results, "few_shot")),
        fine_tuning(read(config.results, "fine_tune")),
        fine_tuned_images(read(config.results, "fine_tune_images")),
        layer_transfer(read(config.results, "transfer_layers")),
        speaker_adaptation(
            read(config.results, "adapt_speaker"), read(config.results, "speaker_timing")
        ),
        domain_adaptation(read(config.results, "adapt_digits")),
        *throughput,
    ]
    text = "\n".join([HEAD, *filter(None, sections)])
    temporary = config.out.with_name(f".{config.out.name}.{os.getpid()}")
    temporary.write_text(text)
    os.replace(temporary, config.out)
    print(f"wrote {config.out}")
    return text


if __name__ == "__main__":
    main(tyro.cli(Config, description=__doc__))
