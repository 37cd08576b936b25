"""Write the tables of BENCHMARKS.md from result files.

    python -m experiments.report                     (from experiments/results/)
    python -m experiments.report --collect checkpoints

With `--collect` the `result.json` of every finished run below a folder is first copied to
experiments/results/<experiment>/<run>.json; a copy that is there already and differs is an error.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from experiments.adapt_digits.table import domain_adaptation
from experiments.feature_tables import few_shot, layer_probes, retrieval
from experiments.fine_tune_tables import fine_tuned_images, fine_tuning, layer_transfer
from experiments.multitask_tables import multitask
from experiments.speaker_tables import speaker_adaptation
from experiments.throughput.step_tables import (
    cost_against_size,
    epoch,
    operations,
    timed_steps,
    together,
)
from experiments.throughput.tables import (
    eszsl_grid,
    feature_extraction,
    input_pipeline,
    probe_solver,
)
from experiments.zero_shot_tables import zero_shot
from jtransfer.train.run_folder import write_json

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


def main(config: Config) -> str:
    """Collect if asked to, then write the report."""
    if config.collect is not None:
        for copy in collect(config.collect, config.results):
            print(f"new: {copy}")
    throughput = [
        timed_steps(read(config.results, "benchmark")),
        operations(read(config.results, "benchmark_operations")),
        epoch(read(config.results, "benchmark_epoch")),
        together(read(config.results, "benchmark_together")),
        cost_against_size(read(config.results, "benchmark_sizes")),
        feature_extraction(read(config.results, "benchmark_features")),
        input_pipeline(read(config.results, "benchmark_pipeline")),
        probe_solver(read(config.results, "benchmark_probe")),
        eszsl_grid(read(config.results, "benchmark_eszsl")),
    ]
    sections = [
        layer_probes(read(config.results, "probe_layers")),
        retrieval(read(config.results, "retrieve")),
        few_shot(read(config.results, "few_shot")),
        fine_tuning(read(config.results, "fine_tune")),
        fine_tuned_images(read(config.results, "fine_tune_images")),
        layer_transfer(read(config.results, "transfer_layers")),
        multitask(read(config.results, "multitask")),
        speaker_adaptation(
            read(config.results, "adapt_speaker"), read(config.results, "speaker_timing")
        ),
        domain_adaptation(read(config.results, "adapt_digits")),
        zero_shot(read(config.results, "zero_shot")),
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
