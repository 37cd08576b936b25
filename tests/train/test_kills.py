"""SIGKILL at random moments, and the run that goes on is the one that was not killed."""

import random
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from jtransfer.files.writing import is_unfinished
from jtransfer.train.run_log import read_records
from tests.train import killable

ROOT = Path(__file__).parents[2]
KILLS = 20


def kill(folder, step, seconds):
    """Run until it is killed."""
    command = [sys.executable, "-m", "tests.train.killable", folder, f"{step}", f"{seconds}"]
    killed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert killed.returncode == -9, killed.stderr


def leaves(state):
    keys = jax.random.key_data(state.rng)
    return [np.asarray(each) for each in jax.tree.leaves(state.replace(rng=keys))]


@pytest.mark.slow
def test_killed_at_random_moments_a_run_ends_bit_by_bit_as_if_it_had_not_been(tmp_path):
    """With accumulated gradients, averages, a stream of images in mid-epoch and early stopping."""
    whole, images = tmp_path / "whole", tmp_path / "images"
    whole.mkdir()
    killable.write_images(images)
    (whole / "images").symlink_to(images)
    expected = leaves(killable.train(whole))
    records = (whole / "run" / "metrics.jsonl").read_bytes()
    looks = (whole / "run" / "stopping" / "evaluations.json").read_bytes()
    steps = [record["step"] for record in read_records(whole / "run" / "metrics.jsonl")]
    assert max(steps) == killable.STOPPED
    draw = random.Random(0)
    for number in range(KILLS):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "images").symlink_to(images)
        # Twice in some: within what has been resumed too.
        for _ in range(1 + number % 2):
            kill(folder, draw.randrange(killable.STOPPED), draw.uniform(0, 0.2))
        resumed = killable.train(folder)
        assert int(resumed.step) == killable.BEST
        for ours, theirs in zip(leaves(resumed), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        assert (folder / "run" / "metrics.jsonl").read_bytes() == records
        assert (folder / "run" / "stopping" / "evaluations.json").read_bytes() == looks
        left = [each for each in (folder / "run").rglob("*") if is_unfinished(each)]
        assert left == []
