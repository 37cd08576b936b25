"""A run that is killed and started again ends as the run that was not killed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jtransfer.train.run_log import read_records
from tests.train import regression, resumable

ROOT = Path(__file__).parents[2]


def killed(folder, kill, step):
    """What remains of a process that runs and is killed."""
    return subprocess.run(
        [sys.executable, "-m", "tests.train.resumable", str(folder), kill, str(step)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    resumable.main(folder)
    return folder


@pytest.mark.parametrize(
    ("kill", "kept"),
    [(("between", 27), 20), (("between", 7), None), (("during", 30), 20)],
)
def test_killed_and_resumed_is_bit_identical(tmp_path, uninterrupted, kill, kept):
    process = killed(tmp_path, *kill)
    assert process.returncode == -9, process.stderr
    finished = [int(path.name) for path in (tmp_path / "steps").iterdir() if path.name.isdigit()]
    # The newest save of a killed process may be lost with it; an unfinished one never counts.
    assert max(finished, default=None) in ({kept, None} if kept is None else {kept, kept - 10})
    resumable.main(tmp_path)
    ours, theirs = np.load(tmp_path / "params.npz"), np.load(uninterrupted / "params.npz")
    for name in theirs.files:
        np.testing.assert_array_equal(ours[name], theirs[name])
    metrics = [read_records(folder / "metrics.jsonl") for folder in (tmp_path, uninterrupted)]
    assert metrics[0] == metrics[1]
    assert [record["step"] for record in metrics[0]] == list(range(5, resumable.STEPS + 1, 5))
    assert resumable.STEPS <= regression.TOTAL_STEPS
