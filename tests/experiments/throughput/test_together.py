import json

import pytest

from experiments.throughput.step_tables import together
from experiments.throughput.together import Config, main


def test_a_short_benchmark_writes_its_numbers(tmp_path):
    result = main(Config(steps=("zero-shot",), runs=2, rounds=2, out=tmp_path))
    assert json.loads((tmp_path / "cpu.json").read_text()) == result
    step = result["steps"]["zero-shot"]
    times = {how: each["median_ms"] for how, each in step["times"].items()}
    assert step["ratio"] == pytest.approx(times["together"] / times["one by one"])
    assert "| zero-shot: ALE, 2,252 features: 128 |" in together([result])
    assert together([]) == ""


def test_what_trains_nothing_is_refused(tmp_path):
    with pytest.raises(ValueError, match="lite0-forward trains nothing"):
        main(Config(steps=("lite0-forward",), out=tmp_path))
    with pytest.raises(ValueError, match="no step dann"):
        main(Config(steps=("dann",), out=tmp_path))
