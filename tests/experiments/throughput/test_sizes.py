import json

import pytest

from experiments.throughput.sizes import Config, main, seconds_of
from experiments.throughput.step_tables import cost_against_size


@pytest.mark.slow
def test_a_small_benchmark_writes_its_numbers(tmp_path, capsys):
    config = Config(
        batches=(1, 2),
        examples=(20, 40),
        dims=(5, 10),
        classes=(2, 4),
        penalties=(1, 2),
        repeats=1,
        out=tmp_path,
        picture=tmp_path / "cost.png",
    )
    result = main(config)
    assert json.loads((tmp_path / "drawn.json").read_text()) == result
    assert result["probe"] == {"examples": 40, "dims": 10, "classes": 4, "penalties": 2}
    assert {name: len(each) for name, each in result["seconds"].items()} == dict.fromkeys(
        ("batch", "examples", "dims", "classes", "penalties"), 2
    )
    assert (tmp_path / "cost.png").stat().st_size > 1000
    assert "exponent" in capsys.readouterr().out
    text = cost_against_size([result])
    assert text.count("\n| probe: ") == 4
    assert "40 examples" in text
    assert cost_against_size([]) == ""


def test_the_first_call_is_not_timed():
    calls = []
    assert seconds_of(lambda: calls.append(len(calls)), 3) == pytest.approx(0, abs=0.1)
    assert calls == [0, 1, 2, 3]
