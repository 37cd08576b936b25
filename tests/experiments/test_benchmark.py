import json

import pytest

from experiments.benchmark import Config, main


@pytest.mark.slow
def test_a_short_benchmark_writes_its_numbers(tmp_path):
    result = main(Config(rounds=3, warm_up=1, loop_steps=20, out=tmp_path))
    assert json.loads((tmp_path / "dann_step.json").read_text()) == result
    ours = result["step"]["jtransfer"]
    assert ours["rounds"] == 3
    assert ours["median_ms"] > 0
    # Forward and backward of two convolutions on 128 images, by hand: 3 passes of 2 x 5.7 million
    # multiplications and additions an image, less the gradient that nobody needs (conv1's input).
    forward = 2 * 128 * (28 * 28 * 75 * 32 + 10 * 10 * 800 * 48)
    unneeded = 2 * 128 * 28 * 28 * 75 * 32
    assert ours["gigaflop_a_step"] == pytest.approx((3 * forward - unneeded) / 1e9, rel=0.3)
    assert result["loop"]["ratio"] > 0
