"""One writer at a time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jtransfer.files.locking import sole_writer

HOLDER = """
import sys
from pathlib import Path
from jtransfer.files.locking import sole_writer
with sole_writer(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


class BusyError(ValueError):
    """Another process writes."""


def test_a_second_writer_is_refused_until_the_first_is_gone(tmp_path: Path):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BusyError), sole_writer(tmp_path, busy=BusyError):
            pytest.fail("two writers")
        holder.kill()
        holder.wait()
    with sole_writer(tmp_path, busy=BusyError), sole_writer(tmp_path / "..", busy=BusyError):
        pass


def test_errors_of_the_block_free_the_folder(tmp_path: Path):
    with pytest.raises(KeyError), sole_writer(tmp_path, busy=BusyError):
        raise KeyError
    with sole_writer(tmp_path, busy=BusyError):
        pass
