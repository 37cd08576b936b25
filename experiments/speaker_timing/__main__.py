"""All adaptations of one setting in one program, against one after the other.

Every speaker in turn, every draw of its utterances and every method of `jt.speaker_rules`
adapt in one vmapped program; in a call each, of a program that takes all its steps; and in a call
for every step of each, as a training loop makes them. All compute the same. The nets are not
trained, which changes no time.

    python -m experiments.speaker_timing
    python -m experiments.speaker_timing --data wav:fsdd

The one program shares the runs between the devices, on CPU one a core, which the calls cannot: XLA
runs what is in a loop on one core. On one core arithmetic is the limit, and it is as fast as a call
for each. Not yet measured on an accelerator.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

from experiments.command import run_command
from experiments.speaker_timing.ways import compare_times
from jtransfer.data.loading import load_speech
from jtransfer.measure import console_table
from jtransfer.recipes.speakers.adapter import Adapter
from jtransfer.recipes.speakers.corpus import Corpus
from jtransfer.recipes.speakers.task import Task
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.runtime import prepare_process
from jtransfer.transfer.finetuning.speaker import METHODS, Method


@dataclass(frozen=True)
class Config:
    """Settings of a call."""

    data: str = "synthetic:speech"  # data set: synthetic:speech, or wav:<folder>, such as wav:fsdd
    each: int = 3  # utterances of each class to adapt on
    draws: int = 3  # random sets of those utterances
    methods: tuple[Method, ...] = METHODS  # methods of adaptation to time
    steps: int = 30  # training steps of every adaptation
    batch: int = 10  # utterances a step
    repeats: int = 3  # timed calls of every way, in turns; medians count
    devices: int = 2  # one program shares the runs between those that divide them; on CPU, cores
    longest: float = 0.8  # seconds of an utterance that are used
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    out: Path = Path("checkpoints/speaker_timing")  # one folder a call


def main(config: Config) -> dict[str, Any]:
    """Time all ways unless that was done, and print the table."""
    prepare_process()
    utterances = load_speech(config.data, data_root=config.data_root)
    settings = {
        "experiment": "speaker_timing",
        "data": config.data,
        "fingerprint": utterances.fingerprint(),
        "each": config.each,
        "draws": config.draws,
        "methods": list(config.methods),
        "steps": config.steps,
        "batch": config.batch,
        "repeats": config.repeats,
        "devices": config.devices,
        "longest": config.longest,
    }
    name = f"{config.data.replace(':', '-')}-{config.each}each-{config.draws}draws"
    folder = RunFolder(config.out / f"{name}-{config.steps}steps", settings)
    result = folder.result()
    if result is None:
        corpus = Corpus.build(utterances, longest=config.longest)
        slots = len(utterances.classes) * config.each
        variables = corpus.fresh(seed=0)
        tasks = [
            Task.draw(utterances, variables, speaker, each=config.each, most=config.each, seed=seed)
            for speaker in range(len(utterances.speaker_names))
            for seed in range(config.draws)
        ]
        adapter = Adapter(corpus, config.steps, config.batch, slots, len(tasks))
        times = compare_times(
            adapter, tasks, config.methods, repeats=config.repeats, devices=config.devices
        )
        adaptations = len(tasks) * len(config.methods)
        result = folder.write_result({**settings, "adaptations": adaptations, **times})
    rows = [
        [way, f"{seconds:.2f} s", f"{result['processor_seconds'][way]:.2f} s"]
        for way, seconds in result["seconds"].items()
    ]
    print(f"{config.data}: {result['adaptations']} adaptations of {config.steps} steps\n")
    print(console_table(["way", "by the clock", "of the processor"], rows))
    return result


def on_devices(config: Config) -> dict[str, Any]:
    """The same in a process that has used no device yet."""
    jax.config.update("jax_num_cpu_devices", config.devices)
    return main(config)


if __name__ == "__main__":
    run_command(on_devices, Config, __doc__)
