"""Which tables stand on which page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from experiments.adapt_digits import table as adapt_digits
from experiments.adapt_speaker import table as adapt_speaker
from experiments.feature_tables import few_shot, layer_probes, retrieval
from experiments.fine_tune_tables import fine_tuned_images, fine_tuning, layer_transfer
from experiments.headline import Headline
from experiments.multitask_tables import multitask
from experiments.speaker_timing import table as speaker_timing
from experiments.throughput import step_tables, tables
from experiments.zero_shot_tables import zero_shot

Results = list[dict[str, Any]]


@dataclass(frozen=True)
class Section:
    """A table, or several of one kind.

    Attributes:
      write: from the results of each experiment to Markdown; empty where there is none.
      experiments: whose results it takes, in that order.
      headlines: from the same to the rows for the front page.
    """

    write: Callable[..., str]
    experiments: tuple[str, ...]
    headlines: Callable[..., Sequence[Headline]] = lambda *_: ()


@dataclass(frozen=True)
class Page:
    """A page: docs/benchmarks/<name>.md."""

    title: str
    sections: tuple[Section, ...] = field(default_factory=tuple)


PAGES: dict[str, Page] = {
    "features": Page(
        "Frozen features",
        (
            Section(layer_probes, ("probe_layers",)),
            Section(retrieval, ("retrieve",)),
            Section(few_shot, ("few_shot",)),
        ),
    ),
    "fine_tuning": Page(
        "Fine-tuning",
        (
            Section(fine_tuning, ("fine_tune",)),
            Section(fine_tuned_images, ("fine_tune_images",)),
            Section(layer_transfer, ("transfer_layers",)),
        ),
    ),
    "multitask": Page("Multitask learning", (Section(multitask, ("multitask",)),)),
    "speakers": Page(
        "Adaptation to a speaker",
        (
            Section(adapt_speaker.speaker_adaptation, ("adapt_speaker",), adapt_speaker.headlines),
            Section(speaker_timing.speaker_timing, ("speaker_timing",), speaker_timing.headlines),
        ),
    ),
    "adaptation": Page(
        "Unsupervised domain adaptation",
        (Section(adapt_digits.domain_adaptation, ("adapt_digits",), adapt_digits.headlines),),
    ),
    "zero_shot": Page("Zero-shot learning", (Section(zero_shot, ("zero_shot",)),)),
    "throughput": Page(
        "Throughput",
        (
            Section(step_tables.timed_steps, ("benchmark",), step_tables.headlines),
            Section(step_tables.operations, ("benchmark_operations",)),
            Section(step_tables.epoch, ("benchmark_epoch",)),
            Section(step_tables.together, ("benchmark_together",)),
            Section(step_tables.cost_against_size, ("benchmark_sizes",)),
            Section(tables.feature_extraction, ("benchmark_features",)),
            Section(tables.input_pipeline, ("benchmark_pipeline",)),
            Section(tables.probe_solver, ("benchmark_probe",), tables.probe_headlines),
            Section(tables.eszsl_grid, ("benchmark_eszsl",)),
        ),
    ),
}
