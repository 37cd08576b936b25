"""What commands say where something is wrong, and that all of them say it so."""

import ast
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from experiments.command import run_command
from jtransfer.data import DataError, load
from jtransfer.data.image_files import ImageFiles
from jtransfer.labels import class_numbers

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "experiments").rglob("*.py"))
# What a user of timm would write has nothing of ours.
CHILDREN = ("timm_probe.py", "to_first_step.py")  # of commands, which start and time them
COMMANDS = [
    path for path in SOURCES if "\nif __name__ ==" in path.read_text() and path.name not in CHILDREN
]


@dataclass(frozen=True)
class Config:
    """Settings."""

    size: int = 1  # of it
    on_unreadable: str = "stop"  # what to do

    def __post_init__(self):
        """Check."""
        if self.size > 9:
            raise DataError(f"size {self.size}; expected at most 9")


@dataclass(frozen=True)
class Without:
    """Settings."""

    size: int = 1  # of it


def run(monkeypatch, fails, *flags, config: type = Config):
    def main(config):
        fails()

    monkeypatch.setattr(sys, "argv", ["command", *flags])
    monkeypatch.delenv("JTRANSFER_TRACEBACK", raising=False)
    with pytest.raises(SystemExit) as end:
        run_command(main, config, "What it does.")
    return end.value.code


def unreadable():
    raise DataError("a.jpg is empty. on_unreadable='skip' leaves such files out")


@pytest.mark.parametrize(
    ("fails", "says"),
    [
        (lambda: load("npz:none", "train", data_root="/nowhere"), "none.npz is not there; expec"),
        (lambda: class_numbers([-1]), "labels from -1 to -1"),
        (lambda: ImageFiles((Path("a"),), np.array([7]), ("x",), "f"), "label 7 of a is out of"),
        (lambda: os.mkdir("/proc/none"), "/proc/none cannot be used (No such file or directory). "),
        (lambda: os.open("/", os.O_WRONLY), "/ cannot be used (Is a directory). See"),
        (lambda: np.empty(1 << 55), "memory ran out (Unable to allocate"),
    ],
)
def test_what_the_reader_can_mend_is_a_sentence(monkeypatch, capsys, fails, says):
    assert run(monkeypatch, fails) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert says in said
    assert said.count("\n") == 1


def test_a_fault_of_the_program_is_shown_whole(monkeypatch):
    for fault in (lambda: {}["a"], lambda: np.zeros(3) + np.zeros(4)):
        with pytest.raises((KeyError, ValueError)):
            run(monkeypatch, fault)
    monkeypatch.setattr(sys, "argv", ["command"])
    monkeypatch.setenv("JTRANSFER_TRACEBACK", "1")
    with pytest.raises(ValueError, match="from -1"):
        run_command(lambda _: class_numbers([-1]), Config, None)


def test_flags_are_checked_without_a_traceback(monkeypatch, capsys):
    assert run(monkeypatch, lambda: None, "--size", "x") == 2
    assert run(monkeypatch, lambda: None, "--size", "10") in (1, 2)
    assert "size 10; expected at most 9" in "".join(capsys.readouterr())


@dataclass(frozen=True)
class Numbers:
    """Settings."""

    steps: int | None = None  # instead of the preset's
    seeds: tuple[int, ...] = (0,)  # of it
    rate: float = 0.1  # of it
    within: Without = Without()  # others


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--steps", "0"), "--steps is 0; expected a finite number above 0"),
        (("--seeds", "0", "-1"), "--seeds is -1; expected a finite number from 0"),
        (("--rate", "nan"), "--rate is nan; expected a finite number from 0"),
        (("--rate", "inf"), "--rate is inf; expected a finite number from 0"),
        (("--within.size", "-2"), "--size is -2; expected a finite number from 0"),
    ],
)
def test_numbers_that_no_setting_has_are_refused(monkeypatch, capsys, flags, says):
    assert run(monkeypatch, lambda: None, *flags, config=Numbers) == 1
    assert says in capsys.readouterr().err


def test_advice_names_only_flags_that_the_command_has(monkeypatch, capsys):
    run(monkeypatch, unreadable)
    assert capsys.readouterr().err.endswith("empty. --on-unreadable skip leaves such files out\n")
    run(monkeypatch, unreadable, config=Without)
    assert capsys.readouterr().err == "error: a.jpg is empty\n"


def test_help_names_the_command(monkeypatch, capsys):
    assert run(monkeypatch, lambda: None, "--help") == 0
    assert "python -m tests.experiments.test_command" in capsys.readouterr().out


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_is_run_so(path):
    last = path.read_text().rstrip().splitlines()[-2:]
    assert last[0] == 'if __name__ == "__main__":'
    assert re.fullmatch(r"    run_command\(\w+, Config, __doc__\)", last[1])


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_help_shows_what_is_said_to_a_checker(path):
    """The help of a flag is the comment behind its field, or above it."""
    source = path.read_text()
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            for field in node.body:
                if isinstance(field, ast.AnnAssign):
                    about = lines[field.lineno - 2 : field.end_lineno]
                    assert not re.search(r"#.*(pyright|noqa|type:)", "\n".join(about))


def test_what_the_output_cannot_show_is_written_by_its_code(tmp_path):
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            "from experiments.command import run_command as run\n"
            "from experiments.report.__main__ import Config, main\n"
            "def main(_): print(chr(0xdce9), chr(0x2192))\nrun(main, Config, '')",
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "\\udce9 \\u2192\n"


def test_a_command_from_outside(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-m", "experiments.draw_signs", "--data-root", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: ")
    assert "Traceback" not in ended.stderr
