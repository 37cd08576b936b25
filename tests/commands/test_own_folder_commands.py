"""The commands of a folder, from its images to what a model says."""

from pathlib import Path

import numpy as np
import pytest
from jax import export as jax_export
from markupsafe import escape

from jtransfer.commands.main import main
from tests.recipes.own_folder.conftest import model, squares, toy_trunk

__all__ = ["model", "squares", "toy_trunk"]  # fixtures


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("JTRANSFER_CACHE", str(tmp_path / "cache"))


@pytest.mark.usefixtures("toy_trunk")
def test_fit_predict_search_and_export(squares, tmp_path, capsys):
    folder, program = tmp_path / "my model", tmp_path / "my model.stablehlo"
    main(["fit", str(squares), "--out", str(folder), "--workers", "0", "--keep-features"])
    said = capsys.readouterr().out
    assert "18 images of 3 classes" in said
    assert "right on 100.0% of new images" in said
    assert f"jtransfer predict '{folder}' IMAGES..." in said
    page = (folder / "report.html").read_text()
    assert "blue" in page
    assert escape(f"jtransfer predict '{folder}' IMAGES...") in page
    assert "data:image/jpeg" in page

    asked = squares / "red" / "1.png"
    main(["predict", str(folder), str(asked), "--workers", "0", "--explain"])
    header, line = capsys.readouterr().out.splitlines()
    assert header.startswith("file,class,probability,second class,unsure,nearest")
    assert line.startswith(f"{asked},red,")
    assert ",red/1.png," in line

    main(["search", str(folder), str(squares), str(asked), "--count", "2", "--workers", "0"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == str(asked)
    assert [Path(each.split()[1]).parent.name for each in lines[1:]] == ["red", "red"]

    main(["export", str(folder)])
    assert "read back and compared" in capsys.readouterr().out
    called = jax_export.deserialize(bytearray(program.read_bytes())).call
    shares = np.asarray(called(np.zeros((2, 8, 8, 3), np.uint8)))
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)


@pytest.mark.usefixtures("toy_trunk")
def test_what_is_wrong_is_a_sentence(tmp_path, capsys):
    for argv in (
        ["fit", str(tmp_path / "nowhere")],
        ["predict", str(tmp_path), "a.jpg"],
        ["export", str(tmp_path)],
        ["search", "no_net", str(tmp_path), "a.jpg"],
    ):
        with pytest.raises(SystemExit) as end:
            main(argv)
        assert end.value.code == 2
        said = capsys.readouterr().err
        assert said.startswith("error: ")
        assert "Traceback" not in said
