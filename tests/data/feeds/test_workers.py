"""What happens to worker processes when their parent does not behave."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from jtransfer.data.feeds.workers import stored, worth_starting

ROOT = Path(__file__).parents[3]

HEAD = """
import os
import numpy as np
from pathlib import Path
from jtransfer.data.feeds.crops import Crop
from jtransfer.data.feeds.image_batches import image_batches
from jtransfer.data.image_files import ImageFiles

paths = tuple(Path("a.png") for _ in range(20_000))
files = ImageFiles(paths, np.zeros(20_000, int), ("a",), "one")

def begin():
    batches = image_batches(files, Crop(8, 8), batch=100, workers=1)
    next(batches)
    return batches
"""


def run(folder, script):
    """Returns when the script has ended and all processes that it left behind."""
    Image.new("RGB", (8, 8)).save(folder / "a.png")
    (folder / "script.py").write_text(HEAD + script)
    return subprocess.run(
        [sys.executable, "-W", "error", "script.py"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=180,
    )


def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    ended = run(
        tmp_path, 'if __name__ == "__main__":\n    left = begin()\n    os.kill(os.getpid(), 9)'
    )
    assert ended.returncode == -9


@pytest.mark.parametrize(
    "reading",
    [
        "left = begin()",
        "for _ in image_batches(files.take(np.arange(9)), Crop(8, 8), workers=1): 0",
    ],
    ids=["in-the-middle", "at-the-end"],
)
def test_a_program_that_stops_reading_and_ends_says_nothing_more(tmp_path, reading):
    ended = run(tmp_path, f'if __name__ == "__main__":\n    {reading}\n    print("read")')
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "read\n", "")


def test_a_script_that_cannot_be_imported_gets_an_error_and_does_not_hang(tmp_path):
    """The list of files is longer than what a pipe holds."""
    ended = run(tmp_path, "begin()")
    assert ended.returncode == 1
    assert '(call from below its `if __name__ == "__main__":`' in ended.stderr


@pytest.mark.parametrize("names", [["a", "b/c d"], ["new\nline", "ümläut", "\udcff not utf-8"]])
def test_stored_paths_are_the_same_and_travel_light(names):
    paths = [Path(name) for name in names] * 1000
    with stored(paths) as kept:
        assert [kept[position] for position in range(len(paths))] == paths
        assert len(pickle.dumps(kept)) < 1000
        file = kept.file
    assert not file.exists()


def test_workers_start_for_many_files_or_large_ones_alone(tmp_path):
    """Two seconds of a process decode 1,000 small photographs, or 25 MB."""
    small, large = tmp_path / "small.jpg", tmp_path / "large.jpg"
    small.write_bytes(b"x")
    with large.open("wb") as file:
        file.truncate(25_000_000)
    missing = tmp_path / "missing.jpg"
    assert worth_starting([small] * 1000, 2) == 0
    assert worth_starting([small] * 1001, 2) == 2
    assert worth_starting([large], 3) == 0
    assert worth_starting([large, small], 3) == 3
    assert worth_starting([large, small], 0) == 0
    assert worth_starting([missing], 2) == 0
