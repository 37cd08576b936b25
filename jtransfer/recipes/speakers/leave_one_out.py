"""Every speaker in turn is new: a net trained on the others is adapted to him or her."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jtransfer.measure import mean_std
from jtransfer.recipes.speakers.adapter import Adapter
from jtransfer.recipes.speakers.choosing import choose
from jtransfer.recipes.speakers.options import Adapting
from jtransfer.recipes.speakers.speaker_independent import Trainer
from jtransfer.recipes.speakers.task import Task
from jtransfer.train.counted import counted
from jtransfer.transfer.finetuning.speaker import METHODS, Method


@dataclass(frozen=True)
class LeftOut:
    """How well each method does on speakers that the net was not trained on.

    Attributes:
      speakers: their names.
      accuracies: {method: {utterances a class: accuracies}}, the accuracies of each speaker's draws
        one after the other; of "none", no adaptation, with "0" utterances.
      chosen: {method: [learning rate, rho] of each speaker}.
      seconds: that all took.
    """

    speakers: list[str]
    accuracies: dict[str, dict[str, list[float]]]
    chosen: dict[str, list[list[float]]]
    seconds: float


def leave_one_speaker_out(
    trainer: Trainer,
    out: Path,
    options: Adapting | None = None,
    *,
    methods: Sequence[Method] = METHODS,
) -> LeftOut:
    """Train a net without each speaker, choose settings without him or her, adapt, and judge.

    A speaker's settings are those of the best mean accuracy on the two next speakers, each adapted
    to from a net that was trained without both; none of the speaker's own utterances has a part.

    Args:
      trainer: from `Trainer.build`, of the caller's corpus.
      out: folder of the nets' runs; what is there is not trained again.
      options: of the adaptations.
      methods: of `jt.speaker_rules`.

    Raises:
      DataError: if a speaker has too few utterances of a class.
    """
    started = time.perf_counter()
    options = options or Adapting()
    utterances, most = trainer.corpus.utterances, options.most
    count = len(utterances.speaker_names)
    speakers = range(count)
    nets = {
        without: trainer.train(out, without)
        for speaker in counted(speakers, "speakers")
        for without in ((speaker,), tuple(sorted((speaker, (speaker + 1) % count))))
    }
    slots = len(utterances.classes) * most
    adapter = Adapter(trainer.corpus, options.steps, options.batch, slots, options.together)

    def draw(known: tuple[int, ...], speaker: int, each: int, seed: int) -> Task:
        without = nets[tuple(sorted({*known, speaker}))]
        return Task.draw(utterances, without, speaker, each=each, most=most, seed=seed)

    to_choose = {
        speaker: [
            draw((speaker,), other % count, each, 0)
            for other in (speaker - 1, speaker + 1)
            for each in options.choose_each
        ]
        for speaker in speakers
    }
    keys = [(speaker, seed) for speaker in speakers for seed in range(options.draws)]
    tasks = {
        each: [draw((), speaker, each, seed) for speaker, seed in keys] for each in options.each
    }
    flat = [task for each in options.each for task in tasks[each]]
    accuracies = {"none": {"0": adapter.unadapted(tasks[options.each[0]])}}
    chosen: dict[str, list[list[float]]] = {}
    for method in counted(methods, "methods"):
        settings = choose(adapter, method, to_choose, options.settings_of(method))
        chosen[method] = [list(settings[speaker]) for speaker in speakers]
        own = [settings[speaker] for speaker, _ in keys] * len(options.each)
        values = adapter.adapted(method, flat, own)
        accuracies[method] = {
            str(each): values[place * len(keys) :][: len(keys)]
            for place, each in enumerate(options.each)
        }
        shown = ", ".join(f"{each}: {mean_std(its)}" for each, its in accuracies[method].items())
        print(f"{method}: {shown}; {time.perf_counter() - started:.0f} s so far", flush=True)
    seconds = round(time.perf_counter() - started, 1)
    return LeftOut(list(utterances.speaker_names), accuracies, chosen, seconds)
