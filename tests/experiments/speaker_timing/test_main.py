from experiments.speaker_timing.__main__ import Config, main
from experiments.speaker_timing.table import headlines, speaker_timing
from tests.recipes.speakers.three_speakers import use_tiny_nets, write_words


def test_all_ways_are_timed(tmp_path, monkeypatch):
    use_tiny_nets(monkeypatch)
    config = Config(
        data="wav:words",
        each=1,
        draws=1,
        methods=("head",),
        steps=2,
        batch=2,
        repeats=1,
        data_root=write_words(tmp_path),
        out=tmp_path / "timing",
    )
    result = main(config)
    assert result["adaptations"] == 3
    assert set(result["seconds"]) == {"in one program", "one by one", "step by step"}
    text = speaker_timing([result])
    assert "Time of 3 adaptations" in text
    assert text.count("times as fast as") == 2


def test_how_many_times_as_fast():
    seconds = {"in one program": 0.5, "one by one": 1.0, "step by step": 2.0}
    result = {"adaptations": 6, "steps": 10, "seconds": seconds}
    (headline,) = headlines([result])
    assert headline.task == "6 adaptations of 10 steps in one program"
    assert headline.measured == "0.50 s, 4.0 times as fast as step by step"
    assert speaker_timing([]) == ""
