import re

import pytest

from experiments.adapt_speaker.__main__ import main
from experiments.adapt_speaker.config import Config
from experiments.adapt_speaker.table import NAMES, headlines, speaker_adaptation
from jtransfer.transfer.finetuning.speaker import METHODS
from tests.measure.picture import pixels_of
from tests.recipes.speakers.three_speakers import use_tiny_nets, write_words


@pytest.fixture
def config(tmp_path, monkeypatch):
    use_tiny_nets(monkeypatch)
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
        data_root=write_words(tmp_path),
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
    text = speaker_adaptation([result])
    assert re.search(r"\| head alone \| \d\.\d{3} ± \d\.\d{3} \(-?\d+%\) \|", text)
    assert "### `wav:words`, 3 speakers" in text


def test_every_method_has_its_name():
    assert NAMES.keys() == {"none", *METHODS}


def test_the_headlines_are_the_best_part_and_the_whole_net():
    result = {
        "data": "wav:words",
        "each": [1, 3],
        "accuracies": {
            "none": {"0": [0.4, 0.6]},
            "first": {"1": [0.9, 0.9], "3": [0.5, 0.5]},
            "last": {"1": [0.5, 0.5], "3": [0.6, 0.8]},
            "full": {"1": [0.5, 0.5], "3": [0.9, 0.9]},
        },
    }
    assert [(each.task, each.measured) for each in headlines([result])] == [
        ("a new speaker of wav:words: no adaptation", "0.500 ± 0.141"),
        (
            "a new speaker of wav:words: last layers (fc4, head), 3 utterances a word",
            "0.700 ± 0.141",
        ),
        ("a new speaker of wav:words: all layers, 3 utterances a word", "0.900 ± 0.000"),
    ]
    assert headlines([]) == []
