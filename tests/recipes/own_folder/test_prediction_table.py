import csv

import pytest

from jtransfer.data.examples import DataError
from jtransfer.recipes.own_folder.intake import image_paths
from jtransfer.recipes.own_folder.model_folder import ModelError, save_model
from jtransfer.recipes.own_folder.prediction_table import write_predictions


def test_a_line_for_each_file_that_can_be_read(model, squares, tmp_path, capsys):
    (squares / "red" / "2.png").write_bytes(b"\x89PNG cut")
    out = tmp_path / "said.csv"
    folder = save_model(model, tmp_path / "model")
    assert write_predictions(folder, [squares / "red"], out, batch=2, workers=0, explain=True) == 5
    header, *lines = csv.reader(out.read_text().splitlines())
    assert header[:5] == ["file", "class", "probability", "second class", "unsure"]
    assert header[5] == "nearest"
    names = [line[0] for line in lines]
    assert names == [str(squares / "red" / f"{n}.png") for n in (0, 1, 3, 4, 5)]
    said = model.predict([names[0]])
    unsure = "yes" if said.unsure[0] else "no"
    assert lines[0][1:] == [
        said.names[0],
        f"{said.confidence[0]:.4f}",
        said.second[0],
        unsure,
        "a.jpg",
    ]
    assert "2.png" in capsys.readouterr().err
    with pytest.raises(ModelError, match="is there already"):
        write_predictions(folder, [squares], out)


def test_a_file_that_stops_it_leaves_no_table(model, squares, tmp_path):
    (squares / "red" / "2.png").write_bytes(b"\x89PNG cut")
    out = tmp_path / "said.csv"
    with pytest.raises(DataError, match=r"2\.png"):
        write_predictions(model, [squares], out, on_unreadable="stop", workers=0)
    assert not out.exists()


def test_without_a_file_the_lines_are_printed(model, squares, capsys):
    write_predictions(model, [squares / "red" / "0.png"], None, workers=0)
    assert capsys.readouterr().out.splitlines()[0] == "file,class,probability,second class,unsure"


def test_paths_are_files_and_what_lies_below_folders(squares):
    (squares / ".hidden").mkdir()
    (squares / ".hidden" / "a.png").write_bytes(b"")
    (squares / "notes.txt").write_text("")
    found = image_paths([squares, squares / "notes.txt"])
    assert len(found) == 19
    assert found[0] == squares / "blue" / "0.png"
    assert found[-1].name == "notes.txt"  # which was named
    (squares / "empty").mkdir()
    with pytest.raises(DataError, match="holds no image"):
        image_paths([squares / "empty"])
    with pytest.raises(DataError, match="no image was named"):
        image_paths([])


def test_where_nothing_can_be_read_there_is_no_table(model, tmp_path):
    for name in ("cut.png", "text.jpg"):
        (tmp_path / name).write_bytes(b"\x89PNG cut")
    with pytest.raises(DataError, match="none of the 2 images can be read"):
        write_predictions(model, [tmp_path], tmp_path / "said.csv", workers=0)
    assert not (tmp_path / "said.csv").exists()
