"""Which tables stand on which page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from experiments.adapt_digits import table as adapt_digits
from experiments.adapt_speaker import table as adapt_speaker
from experiments.adapt_trunk import table as adapt_trunk
from experiments.few_shot import table as few_shot
from experiments.fine_tune import table as fine_tune
from experiments.fine_tune_images import table as fine_tune_images
from experiments.headline import Headline
from experiments.multitask import table as multitask
from experiments.no_harm import table as no_harm
from experiments.own_folder import beside_timm_table, table as own_folder
from experiments.probe_layers import table as probe_layers
from experiments.retrieve import table as retrieve
from experiments.segment import table as segment
from experiments.speaker_timing import table as speaker_timing
from experiments.throughput import step_tables, tables, tllib_table
from experiments.transfer_layers import table as transfer_layers
from experiments.zero_shot import table as zero_shot

Results = list[dict[str, Any]]


@dataclass(frozen=True)
class Section:
    """A table, or several of one kind.

    Attributes:
      write: from the results of each experiment to Markdown; empty where there is none.
      experiments: whose results it takes, in that order.
      headlines: from the same to the rows for the front page.
      draw: writes the figures that the section names, from the same, into a folder.
    """

    write: Callable[..., str]
    experiments: tuple[str, ...]
    headlines: Callable[..., Sequence[Headline]] = lambda *_: ()
    draw: Callable[..., None] = lambda *_: None


@dataclass(frozen=True)
class Page:
    """A page: docs/benchmarks/<name>.md."""

    title: str
    sections: tuple[Section, ...] = field(default_factory=tuple)


PAGES: dict[str, Page] = {
    "features": Page(
        "Frozen features",
        (
            Section(probe_layers.layer_probes, ("probe_layers",), probe_layers.headlines),
            Section(retrieve.retrieval, ("retrieve",), retrieve.headlines),
            Section(few_shot.few_shot, ("few_shot",), few_shot.headlines),
        ),
    ),
    "fine_tuning": Page(
        "Fine-tuning",
        (
            Section(fine_tune.fine_tuning, ("fine_tune",), fine_tune.headlines),
            Section(
                fine_tune_images.fine_tuned_images,
                ("fine_tune_images",),
                fine_tune_images.headlines,
            ),
            Section(
                transfer_layers.layer_transfer, ("transfer_layers",), transfer_layers.headlines
            ),
        ),
    ),
    "segmentation": Page(
        "Segmentation",
        (Section(segment.segmentation, ("segment",), segment.headlines),),
    ),
    "multitask": Page(
        "Multitask learning",
        (Section(multitask.multitask, ("multitask",), multitask.headlines),),
    ),
    "speakers": Page(
        "Adaptation to a speaker",
        (
            Section(adapt_speaker.speaker_adaptation, ("adapt_speaker",), adapt_speaker.headlines),
            Section(speaker_timing.speaker_timing, ("speaker_timing",), speaker_timing.headlines),
        ),
    ),
    "adaptation": Page(
        "Unsupervised domain adaptation",
        (
            Section(adapt_digits.domain_adaptation, ("adapt_digits",), adapt_digits.headlines),
            Section(adapt_trunk.adaptation_on_trunk, ("adapt_trunk",), adapt_trunk.headlines),
            Section(tllib_table.beside_tllib, ("benchmark_tllib",), tllib_table.headlines),
        ),
    ),
    "no_harm": Page(
        "Adaptation that does no harm",
        (Section(no_harm.no_harm, ("no_harm", "no_harm_before"), no_harm.headlines, no_harm.draw),),
    ),
    "zero_shot": Page(
        "Zero-shot learning",
        (Section(zero_shot.zero_shot, ("zero_shot",), zero_shot.headlines),),
    ),
    "own_folder": Page(
        "Your own folder",
        (
            Section(own_folder.own_folder, ("own_folder",), own_folder.headlines),
            Section(
                beside_timm_table.beside_timm,
                ("own_folder_beside_timm",),
                beside_timm_table.headlines,
            ),
        ),
    ),
    "throughput": Page(
        "Throughput",
        (
            Section(step_tables.timed_steps, ("benchmark",), step_tables.headlines),
            Section(step_tables.operations, ("benchmark_operations",)),
            Section(step_tables.epoch, ("benchmark_epoch",)),
            Section(step_tables.first_step, ("benchmark_first_step",)),
            Section(step_tables.together, ("benchmark_together",)),
            Section(step_tables.cost_against_size, ("benchmark_sizes",)),
            Section(tables.feature_extraction, ("benchmark_features",)),
            Section(tables.input_pipeline, ("benchmark_pipeline",)),
            Section(tables.probe_solver, ("benchmark_probe",), tables.probe_headlines),
            Section(tables.probe_size, ("benchmark_probe_size",)),
            Section(tables.eszsl_grid, ("benchmark_eszsl",)),
        ),
    ),
}
