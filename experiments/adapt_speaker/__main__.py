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

On the Free Spoken Digit Dataset, six speakers (some 10 minutes on one core; measured numbers:
docs/benchmarks/speakers.md):

    python -m experiments.adapt_speaker --data wav:fsdd

Learning rate, and rho of the KL-regularised method, are chosen for each new speaker without any of
its utterances: on two of the other speakers, each adapted to from a net that was trained without
both. All that a draw does not adapt on with its largest number is tested. Finished nets are not
trained again, and a finished call is not run again.
"""

from dataclasses import asdict
from typing import Any

from experiments.adapt_speaker.config import Config
from experiments.adapt_speaker.figures import figure
from experiments.adapt_speaker.table import table
from experiments.command import run_command
from jtransfer.data.loading import load_speech
from jtransfer.recipes.speakers.corpus import Corpus
from jtransfer.recipes.speakers.leave_one_out import leave_one_speaker_out
from jtransfer.recipes.speakers.speaker_independent import Trainer
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.runtime import prepare_process


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
        config.training,
        mesh=config.parallel.mesh,
        identity={"experiment": "speaker_net"},
    )
    settings = {"experiment": "adapt_speaker", **trainer.settings, **config.settings}
    folder = RunFolder(config.out / config.name, settings)
    result = folder.result()
    if result is None:
        measured = leave_one_speaker_out(
            trainer, config.out, config.adapting, methods=config.methods
        )
        result = folder.write_result({**settings, **asdict(measured)})
    path = figure(config, result)
    print(f"\n{config.data}, mean ± deviation over speakers and draws (errors taken away)\n")
    print(table(result))
    print(f"\nresults: {folder.path}/result.json\nfigure: {path}")
    return result


if __name__ == "__main__":
    run_command(main, Config, __doc__)
