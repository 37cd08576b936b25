"""The command that adapts, and the one that checks what came of it."""

import csv

import pytest

from jtransfer.commands import adapt as command
from jtransfer.commands.main import main
from jtransfer.recipes.adaptation.development import TRAINED_BY
from jtransfer.recipes.unlabelled_folder import adapt as recipe
from jtransfer.recipes.unlabelled_folder.trained import TRAINED
from tests.recipes.unlabelled_folder.conftest import domains, own_folder_toy_trunk, toy_trunk

__all__ = ["domains", "own_folder_toy_trunk", "toy_trunk"]  # fixtures


@pytest.mark.usefixtures("toy_trunk")
def test_adapt_and_check(domains, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("JTRANSFER_CACHE", str(tmp_path / "cache"))
    source, target = map(str, domains)
    folder = tmp_path / "model"
    adapt = ["adapt", source, target, "--out", str(folder), "--workers", "0"]
    main([*adapt, "--methods", "standardised", "--sample", "6"])
    said = capsys.readouterr().out
    assert "24 images of 3 classes; target: 24" in said
    assert "<- chosen" in said
    assert "on the target nobody knows" in said

    table = folder / "check.csv"
    with table.open(newline="") as stream:
        rows = list(csv.reader(stream))
    filled = [rows[0], *([*row[:2], row[1].partition("-")[0]] for row in rows[1:5])]
    table.write_text("\n".join(map(",".join, filled)))
    main(["adapt", "--out", str(folder), "--check", str(table)])
    said = capsys.readouterr().out
    assert "of the target's 24 images" in said
    assert "by a random sample of 4" in said

    for argv in (adapt, ["adapt", source]):  # other settings, no target
        with pytest.raises(SystemExit) as end:
            main(argv)
        assert end.value.code == 2
        assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize(
    ("flags", "expected"),
    [([], None), (["--train"], TRAINED_BY), (["--train", "dann"], "dann")],
)
def test_a_method_to_train_by_need_not_be_named(flags, expected, monkeypatch, capsys):
    asked = {}
    monkeypatch.setattr(recipe, "adapt", lambda *_, **settings: asked.update(settings) or Told())
    monkeypatch.setattr(command, "told", lambda _: [])
    main(["adapt", "photo", "sketch", *flags])
    assert asked["train"] == expected
    assert TRAINED_BY in TRAINED
    with pytest.raises(SystemExit):
        main(["adapt", "photo", "--train", "dann", "mcc"])
    assert "expected one method, or none for" in capsys.readouterr().err


class Told:
    about = None
