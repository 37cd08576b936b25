import json

import pytest

from experiments.throughput.step_tables import timed_steps
from experiments.throughput.steps import Config, main
from experiments.throughput.timed_steps import TIMED


def test_sizes_scale_with_the_device():
    timed = TIMED["dann-gtsrb"]
    assert timed.size("cpu").in_words() == "64 + 64 of 40x40x3"
    assert timed.size("cpu").width == 0.5
    assert timed.size("gpu") == timed.size("tpu") == timed.full
    assert timed.full.width == 1.0
    assert TIMED["speech"].small.in_words() == "64"


@pytest.mark.slow
def test_a_short_benchmark_writes_its_numbers(tmp_path):
    steps = ("dann-mnist", "speech")
    result = main(Config(steps=steps, rounds=2, warm_up=1, batch=4, loop_steps=3, out=tmp_path))
    assert json.loads((tmp_path / "cpu.json").read_text()) == result
    assert tuple(result["steps"]) == steps
    step = result["steps"]["dann-mnist"]
    ours = step["times"]["jtransfer"]
    assert ours["rounds"] == 2
    assert step["examples_a_second"] == pytest.approx(8e3 / ours["median_ms"])
    speed = ours["gigaflop_by_hand"] * 1e3 / ours["median_ms"]
    assert step["gigaflop_a_second"] == pytest.approx(speed)
    assert step["share_of_peak"] == pytest.approx(speed / result["peak"]["gigaflop_a_second"])
    assert not result["steps"]["speech"]["ratio"]
    assert result["loop"]["ratio"] > 0
    text = timed_steps([result])
    assert text.count("\n| DANN, MNIST net: 4 + 4 of 32x32x3 |") == (2 if step["ratio"] else 1)
    assert text.count("\n| acoustic net, 98 x 40 frames: 4 |") == 1
    assert timed_steps([]) == ""


def test_an_unknown_step_is_refused():
    with pytest.raises(ValueError, match="no step dann; expected some of dann-mnist"):
        main(Config(steps=("dann",)))
