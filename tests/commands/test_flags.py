import re
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal

import pytest

from jtransfer.commands.flags import parsed
from jtransfer.commands.main import COMMANDS

ROOT = Path(__file__).parents[2]
EXPERIMENTS = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "experiments").rglob("*.py")
    if "run_command(main, Config" in path.read_text()
)
KINDS = {
    **{name: each.Config for name, each in COMMANDS.items()},
    **{name: import_module(name).Config for name in EXPERIMENTS},
}


@dataclass(frozen=True)
class Toy:
    times: int | None = None  # how often; by default once
    names: tuple[str, ...] = ()  # who is greeted; by default everybody
    tone: Literal["kind", "gruff"] = "kind"  # how it sounds


def said(kind, capsys, *args: str, description: str = "") -> str:
    with pytest.raises(SystemExit):
        parsed(kind, prog="toy", description=description, args=args)
    return "".join(capsys.readouterr())


def test_flags_become_settings():
    assert parsed(Toy, prog="toy", description="", args=["--times", "2"]) == Toy(times=2)
    assert parsed(Toy, prog="toy", description="", args=[]) == Toy()


def test_a_description_keeps_its_lines(capsys):
    text = "A toy,\nin two lines:\n\n    toy --times 3\n\nand an end.\n"
    assert f"\n{text}" in said(Toy, capsys, "--help", description=text)


def test_what_may_be_left_out_is_not_called_none(capsys):
    shown = said(Toy, capsys, "--help")
    assert "None" not in shown
    assert "(default: )" not in shown
    assert "(default: kind)" in shown
    assert re.search(r"--times INT +how often; by default once +", shown)
    assert "invalid" in said(Toy, capsys, "--times", "None").lower()


@pytest.mark.parametrize("name", KINDS)
def test_every_flag_says_what_it_is(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")  # nothing is wrapped
    shown = said(KINDS[name], capsys, "--help")
    assert not re.search(r"None|pyright|noqa|\bTODO\b", shown)
    rows = re.split(r"\n[│| ]*(?=--[a-z])", re.sub(r"\(default: [^)]*\)", "", shown))[1:]
    assert len(rows) > 1
    for row in rows:
        flag, text = row.split(maxsplit=1)
        said_of_it = re.sub(
            r"--[\w.-]+|\{[^}]*\}|\[[^]]*\]+|\b[A-Z]{3,}\b|[╰+].*", "", text, flags=re.S
        )
        assert len(re.findall(r"[A-Za-z]{2,}", said_of_it)) > 1, flag
