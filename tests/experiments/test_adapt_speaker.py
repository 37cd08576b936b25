import re

import numpy as np
import pytest
from scipy.io import wavfile

from experiments import adapt_speaker, speaker_nets, speaker_timing
from experiments.adapt_speaker import Config, main
from experiments.speaker_runs import Adapter, Task, choose
from experiments.speaker_tables import speaker_adaptation
from jtransfer.data import DataError
from jtransfer.data.synthetic.formants import synthetic_speech
from jtransfer.nets.acoustic import acoustic_net
from tests.measure.picture import pixels_of


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(
        speaker_nets,
        "acoustic_net",
        lambda *, classes: acoustic_net(classes=classes, units=(4,) * 4),
    )


@pytest.fixture
def words(tmp_path):
    """Three speakers' two words, low and high tones."""
    random = np.random.default_rng(0)
    folder = tmp_path / "words"
    folder.mkdir()
    times = np.arange(1200) / 8000
    for speaker, pitch in (("ann", 1.2), ("bo", 1.0), ("cy", 0.8)):
        for label, tone in (("low", 500), ("high", 1500)):
            for index in range(5):
                sound = np.sin(2 * np.pi * tone * pitch * times) + random.normal(0, 0.1, 1200)
                path = folder / f"{label}_{speaker}_{index}.wav"
                wavfile.write(path, 8000, (8000 * sound).astype(np.int16))
    return tmp_path


@pytest.fixture
def config(tmp_path, words, tiny):
    return Config(
        data="wav:words",
        methods=("head", "kl"),
        each=(1, 2),
        draws=2,
        steps=6,
        batch=8,
        adapt_steps=3,
        adapt_batch=2,
        rates=(1e-3, 1e-2),
        rhos=(0.5,),
        choose_each=(1,),
        longest=0.12,
        together=5,
        data_root=words,
        out=tmp_path / "out",
    )


def test_every_speaker_is_left_out_and_adapted_to(config, capsys):
    result = main(config)
    printed = capsys.readouterr().out
    assert "30 cut to 0.12 s" in printed
    assert result["speakers"] == ["ann", "bo", "cy"]
    assert len(result["accuracies"]["none"]["0"]) == 6
    assert set(result["accuracies"]["kl"]) == {"1", "2"}
    assert all(len(values) == 6 for values in result["accuracies"]["kl"].values())
    assert {rho for _, rho in result["chosen"]["kl"]} == {0.5}
    assert {rho for _, rho in result["chosen"]["head"]} == {0.0}
    (figure,) = config.out.glob("*.png")
    assert pixels_of(figure).ndim == 3
    nets = {path.name for path in config.out.glob("without-*")}
    assert nets == {
        f"without-{names}-6-seed0" for names in ("ann", "bo", "cy", "ann-bo", "bo-cy", "ann-cy")
    }

    assert main(config) == result
    text = speaker_adaptation([result], [])
    assert re.search(r"\| head alone \| \d\.\d{3} ± \d\.\d{3} \(-?\d+%\) \|", text)
    assert "### `wav:words`, 3 speakers" in text


def test_a_chunk_of_tasks_gives_what_each_gives_alone(tiny):
    corpus = speaker_nets.Corpus.build(synthetic_speech(speakers=3, each=2), longest=0.3)
    variables = corpus.fresh(seed=0)
    tasks = [Task.draw(corpus, variables, speaker, each=1, most=1, seed=1) for speaker in range(3)]
    settings = [(1e-2, 0.0), (3e-3, 0.5), (1e-1, 0.0)]
    together = Adapter(corpus, 2, 4, 10, 2).adapted("full", tasks, settings)
    alone = Adapter(corpus, 2, 4, 10, 1).adapted("full", tasks, settings)
    assert together == alone
    assert len(together) == 3


def test_settings_are_those_of_the_best_mean(monkeypatch, tiny):
    class Pretending:
        def adapted(self, method, tasks, settings):
            return [task * rate for task, (rate, _) in zip(tasks, settings, strict=True)]

    settings = [(1.0, 0.0), (2.0, 0.0), (3.0, 0.0)]
    # Task 5 - 4 gives weight to the highest rate, task -1 alone to the lowest.
    chosen = choose(Pretending(), "head", {0: [5, -4], 1: [-1]}, settings)
    assert chosen == {0: (3.0, 0.0), 1: (1.0, 0.0)}


def test_too_few_speakers_are_an_error():
    with pytest.raises(DataError, match=r"has the speakers \('s0', 's1'\); expected at least 3"):
        speaker_nets.Corpus.build(synthetic_speech(speakers=2, each=1), longest=0.3)


def test_all_ways_are_timed(tmp_path, words, tiny):
    config = speaker_timing.Config(
        data="wav:words",
        each=1,
        draws=1,
        methods=("head",),
        steps=2,
        batch=2,
        repeats=1,
        data_root=words,
        out=tmp_path / "timing",
    )
    result = speaker_timing.main(config)
    assert result["adaptations"] == 3
    assert set(result["seconds"]) == {"in one program", "one by one", "step by step"}
    assert adapt_speaker.NAMES.keys() == {"none", *adapt_speaker.METHODS}
