"""Speaker adaptation: one to ten utterances a word of a new speaker, and which layers to move.

Every speaker in turn is new: a net trained on all others names the new speaker's digits, before and
after it is adapted by the methods of `jt.speaker_rules`, on 1, 3, 5 or 10 utterances of
each digit, drawn several times. Of speech it is said that the last layers are kept and the first
ones adapted (of images the reverse). Measured on the Free Spoken Digit Dataset, this does not hold
for a net as small as this: the convolutions in the middle are worth most, then the last layers, and
the first layer and a linear input transform least; only moving all of them is about as good as the
middle.

With nothing downloaded, on synthetic voices (not speech; some four minutes on one core):

    python -m experiments.adapt_speaker

On the Free Spoken Digit Dataset, six speakers (some 10 minutes on one core; measured:
BENCHMARKS.md):

    python -m experiments.adapt_speaker --data wav:fsdd

Learning rate, and rho of the KL-regularised method, are chosen for each new speaker without any of
its utterances: on two of the other speakers, each adapted to from a net that was trained without
both. All that a draw does not adapt on with its largest number is tested. Finished nets are not
trained again, and a finished call is not run again.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tyro.conf import OmitArgPrefixes

from experiments.command import run_command
from experiments.speaker_nets import Corpus, Trainer
from experiments.speaker_runs import Adapter, Setting, Task, choose
from jtransfer.data.loading import load_speech
from jtransfer.measure import console_table, mean_std
from jtransfer.measure.bands import bands_figure
from jtransfer.train.parallel import Parallel
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.runtime import prepare_process
from jtransfer.transfer.finetuning.speaker import METHODS, Method, error_reduction

NAMES: dict[str, str] = {
    "none": "no adaptation",
    "input": "linear input transform",
    "first": "first layer (conv1)",
    "middle": "middle layers (conv2, conv3)",
    "last": "last layers (fc4, head)",
    "head": "head alone",
    "lhuc": "LHUC",
    "full": "all layers",
    "kl": "all layers, KL-regularised",
}


@dataclass(frozen=True)
class Config:
    """Settings of a call."""

    data: str = "synthetic:speech"  # or wav:<folder>, such as wav:fsdd
    methods: tuple[Method, ...] = METHODS  # rows of the table
    each: tuple[int, ...] = (1, 3, 5, 10)  # utterances of each class to adapt on
    draws: int = 3  # of the utterances to adapt on
    steps: int = 600  # of speaker-independent training, AdamW, rate falling as a cosine
    batch: int = 64  # utterances a step of it
    rate: float = 3e-3  # of it, at the start
    decay: float = 1e-3  # of its weights
    hide: bool = False  # SpecAugment in it
    seed: int = 0  # of it
    adapt_steps: int = 30  # of every adaptation, Adam, rate falling as a cosine
    adapt_batch: int = 10  # utterances a step of it
    rates: tuple[float, ...] = (1e-3, 3e-3, 1e-2, 3e-2)  # of it, to choose from
    rhos: tuple[float, ...] = (0.25, 0.5)  # of `kl`, to choose from
    choose_each: tuple[int, ...] = (3,)  # utterances of each class to choose settings on
    longest: float = 0.8  # seconds of an utterance that are used
    together: int = 24  # adaptations in one call of a program
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    parallel: OmitArgPrefixes[Parallel] = field(default=Parallel())  # devices, processes
    out: Path = Path("checkpoints/adapt_speaker")  # one folder a call and a net, and the figure

    def settings_of(self, method: Method) -> list[Setting]:
        """What is chosen from."""
        rhos = self.rhos if method == "kl" else (0.0,)
        return [(rate, rho) for rate in self.rates for rho in rhos]


def measure(config: Config, corpus: Corpus, trainer: Trainer) -> dict[str, Any]:
    """Train the nets, choose settings, and adapt."""
    started = time.perf_counter()
    count, most = len(corpus.utterances.speaker_names), max(*config.each, *config.choose_each)
    speakers = range(count)
    nets = {
        without: trainer.train(config.out, without, seed=config.seed)
        for speaker in speakers
        for without in ((speaker,), tuple(sorted((speaker, (speaker + 1) % count))))
    }
    slots = len(corpus.utterances.classes) * most
    adapter = Adapter(corpus, config.adapt_steps, config.adapt_batch, slots, config.together)

    def draw(known: tuple[int, ...], speaker: int, each: int, seed: int) -> Task:
        without = nets[tuple(sorted({*known, speaker}))]
        return Task.draw(corpus, without, speaker, each=each, most=most, seed=seed)

    to_choose = {
        speaker: [
            draw((speaker,), other % count, each, 0)
            for other in (speaker - 1, speaker + 1)
            for each in config.choose_each
        ]
        for speaker in speakers
    }
    keys = [(speaker, seed) for speaker in speakers for seed in range(config.draws)]
    tasks = {each: [draw((), *key[:1], each, key[1]) for key in keys] for each in config.each}
    accuracies = {"none": {"0": adapter.unadapted(tasks[config.each[0]])}}
    chosen: dict[str, list[list[float]]] = {}
    for method in config.methods:
        settings = choose(adapter, method, to_choose, config.settings_of(method))
        chosen[method] = [list(settings[speaker]) for speaker in speakers]
        flat = [task for each in config.each for task in tasks[each]]
        own = [settings[speaker] for speaker, _ in keys] * len(config.each)
        values = adapter.adapted(method, flat, own)
        accuracies[method] = {
            str(each): values[place * len(keys) :][: len(keys)]
            for place, each in enumerate(config.each)
        }
        seconds = time.perf_counter() - started
        print(f"{method}: " + _line(accuracies[method]) + f"; {seconds:.0f} s so far", flush=True)
    return {
        "speakers": list(corpus.utterances.speaker_names),
        "accuracies": accuracies,
        "chosen": chosen,
        "seconds": round(time.perf_counter() - started, 1),
    }


def _line(by_each: dict[str, list[float]]) -> str:
    return ", ".join(f"{each}: {mean_std(values)}" for each, values in by_each.items())


def table(result: dict[str, Any]) -> str:
    """A row for every method, a column for every number of utterances."""
    before = float(np.mean(result["accuracies"]["none"]["0"]))
    rows = [[NAMES["none"], *[f"{before:.3f}"] * len(result["each"])]]
    for method, by_each in result["accuracies"].items():
        if method != "none":
            cells = [
                f"{mean_std(values)} ({error_reduction(before, float(np.mean(values))):.0%})"
                for values in by_each.values()
            ]
            rows.append([NAMES[method], *cells])
    return console_table(["utterances a class", *map(str, result["each"])], rows)


def figure(config: Config, result: dict[str, Any]) -> Path:
    """Draw accuracy against the number of utterances, all methods starting from none.

    Speakers differ more than methods do: each value is a draw's mean over the speakers.
    """
    path = config.out / f"{config.data.replace(':', '-')}.png"

    def by_draw(values: list[float]) -> list[float]:
        return np.reshape(values, (-1, config.draws)).mean(axis=0).tolist()

    none = by_draw(result["accuracies"]["none"]["0"])
    bands_figure(
        {
            NAMES[method]: {"0": none} | {each: by_draw(values) for each, values in by_each.items()}
            for method, by_each in result["accuracies"].items()
            if method != "none"
        },
        path,
        places=["0", *map(str, config.each)],
        xlabel="utterances of each class of the new speaker",
        ylabel="accuracy, mean over speakers ± deviation over draws",
        title=f"{config.data}: adaptation to each of {len(result['speakers'])} speakers",
    )
    return path


def main(config: Config) -> dict[str, Any]:
    """Measure unless that was done, print the table and draw the figure."""
    prepare_process(config.parallel)
    utterances = load_speech(config.data, data_root=config.data_root)
    corpus = Corpus.build(utterances, longest=config.longest)
    print(
        f"{utterances.name}: {len(utterances):,} utterances of {len(utterances.classes)} classes "
        f"by {len(utterances.speaker_names)} speakers, {corpus.cut} cut to {config.longest} s"
    )
    for note in utterances.notes:
        print(f"note: {note}")
    trainer = Trainer.build(
        corpus,
        steps=config.steps,
        batch=config.batch,
        rate=config.rate,
        decay=config.decay,
        hide=config.hide,
        mesh=config.parallel.mesh,
    )
    own = ("each", "draws", "adapt_steps", "adapt_batch", "rates", "rhos", "choose_each", "longest")
    settings = {
        "experiment": "adapt_speaker",
        **trainer.settings,
        "seed": config.seed,
        "methods": list(config.methods),
        **{key: _plain(getattr(config, key)) for key in own},
    }
    name = f"{config.data.replace(':', '-')}-{config.steps}-{config.adapt_steps}steps"
    folder = RunFolder(
        config.out / f"{name}-{config.draws}draws-hide{config.hide:d}-seed{config.seed}", settings
    )
    result = folder.result()
    if result is None:
        measured = measure(config, corpus, trainer)
        result = folder.write_result({**settings, **measured})
    path = figure(config, result)
    print(f"\n{config.data}, mean ± deviation over speakers and draws (errors taken away)\n")
    print(table(result))
    print(f"\nresults: {folder.path}/result.json\nfigure: {path}")
    return result


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


if __name__ == "__main__":
    run_command(main, Config, __doc__)
