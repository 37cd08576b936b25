"""The command's frame: help, version, statuses."""

import subprocess
import sys
from pathlib import Path

import pytest

import jtransfer
from jtransfer.commands.main import COMMANDS, run
from tests.commands import toy_command

ROOT = Path(__file__).parents[2]


def status(*argv: str) -> int | str | None:
    with pytest.raises(SystemExit) as end:
        run({"toy": toy_command}, argv)
    return end.value.code


def test_the_chosen_command_gets_its_settings(capsys):
    run({"toy": toy_command}, ["toy", "hello", "--times", "3"])
    assert capsys.readouterr().out == "hello hello hello\n"


@pytest.mark.parametrize(
    ("argv", "code", "says"),
    [
        (("toy", "a", "--fails", "data"), 2, "error: a.jpg is empty\n"),
        (("toy", "a", "--fails", "interrupt"), 130, "interrupted\n"),
        (("toy", "a", "--times", "-1"), 2, "error: --times is -1; expected a finite number from 0"),
        (("toy", "a", "--times", "x"), 2, "--times"),
        (("toy",), 2, "WHAT"),
        (("other",), 2, "other"),
    ],
)
def test_what_is_wrong_is_said_and_ends_with_a_status(capsys, argv, code, says):
    assert status(*argv) == code
    said = capsys.readouterr().err
    assert says in said
    assert "Traceback" not in said


def test_a_fault_of_the_program_is_shown_whole():
    with pytest.raises(KeyError):
        run({"toy": toy_command}, ["toy", "a", "--fails", "fault"])


@pytest.mark.parametrize("argv", [(), ("--help",)])
def test_help_lists_the_commands_with_what_they_do(capsys, argv):
    assert status(*argv) == 0
    said = capsys.readouterr().out
    assert "usage: jtransfer" in said
    assert "Say something, as many times as wanted." in said
    assert "jtransfer toy hello" not in said


def test_help_of_a_command_has_its_examples_and_flags(capsys):
    assert status("toy", "--help") == 0
    said = capsys.readouterr().out
    assert "jtransfer toy hello --times 2" in said
    assert "how often" in said


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples(name):
    assert f"    jtransfer {name} " in (COMMANDS[name].__doc__ or "")


def test_version_and_help_from_outside_import_nothing_slow():
    code = (
        "import sys\nfrom jtransfer.commands.main import COMMANDS, run\n"
        "from tests.commands import toy_command\n"
        "heavy = ['jax', 'numpy', 'PIL', 'sklearn', 'scipy', 'matplotlib', 'tqdm']\n"
        "try: run({'toy': toy_command, **COMMANDS}, sys.argv[1:])\n"
        "finally: print(*[name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    for flag, says in (("--version", f"jtransfer {jtransfer.__version__}\n"), ("--help", "usage:")):
        ended = subprocess.run(
            [sys.executable, "-c", code, flag], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert ended.stdout.startswith(says)
        assert ended.stderr == "\n"


def test_the_module_is_the_command():
    ended = subprocess.run(
        [sys.executable, "-m", "jtransfer", "--version"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == f"jtransfer {jtransfer.__version__}\n"
