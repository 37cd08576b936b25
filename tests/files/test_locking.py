"""One writer at a time."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jtransfer.files.locking import sole_writer

ROOT = Path(__file__).parents[2]

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
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
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


UNIX_ONLY = {"fcntl", "grp", "posix", "pwd", "resource", "termios", "tty"}


def test_no_module_needs_what_only_unix_has():
    """Imported at the top of a module, it would make it impossible to import on Windows."""
    sources = [
        file for room in ("jtransfer", "experiments") for file in (ROOT / room).rglob("*.py")
    ]
    assert len(sources) > 100
    for file in sources:
        for line in ast.parse(file.read_text()).body:
            if isinstance(line, ast.Import):
                imported = {each.name for each in line.names}
            else:
                imported = {line.module} if isinstance(line, ast.ImportFrom) else set()
            assert not imported & UNIX_ONLY, f"{file} imports {imported & UNIX_ONLY}"


def test_what_locks_is_imported_without_fcntl():
    code = (
        "import sys\n"
        "sys.modules['fcntl'] = None\n"
        "import jtransfer.nets.weights.download, jtransfer.transfer.features.feature_cache\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
