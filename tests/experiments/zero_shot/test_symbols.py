import json

import pytest

from experiments.zero_shot.__main__ import main
from experiments.zero_shot.config import Config, Symbols
from experiments.zero_shot.table import zero_shot as section
from jtransfer.data import DataError
from jtransfer.train.run_folder import RunFolderError
from tests.measure.picture import pixels_of

# fox and wolf are alike; fins alone tell seal from fox and wolf, legs alone snake from hen.
TABLE = """,fins,legs,eggs,tame,kind
fox,no,4,no,no,mammal
wolf,no,4,no,no,mammal
seal,yes,4,no,no,mammal
hen,no,2,yes,no,bird
snake,no,0,yes,no,reptile
"""


def test_a_table_is_measured_drawn_and_reported(tmp_path, capsys):
    (tmp_path / "beasts.csv").write_text(TABLE)
    config = Config(
        data="csv:beasts.csv",
        seeds=(0, 1),
        data_root=tmp_path,
        out=tmp_path / "out",
        symbols=Symbols(leave_out=("kind",), guessed=(0.0, 0.5), draws=3),
    )
    (result,) = main(config)
    assert (result["classes"], result["attributes"], result["distinct"]) == (5, 4, 4)
    assert result["alike"] == [["fox", "wolf"]]
    assert result["constant"] == ["tame"]
    assert result["found"]["0"] == pytest.approx([0.8, 0.8])
    assert result["found_or_alike"]["0.5"][0] < 1
    printed = capsys.readouterr().out
    assert "\n  fox, wolf\n" in printed
    assert "the same in all classes: tame" in printed
    assert "fins 2, legs 1\n" in printed
    folder = config.out / "csv-beasts"
    assert pixels_of(folder / "guessed.png").shape == (650, 1170, 3)
    assert json.loads((folder / "result.json").read_text()) == result
    assert main(config) == [result]
    text = section([result])
    assert "fox and wolf" in text
    assert "| 50% |" in text


def test_missing_values_are_counted_and_filled(tmp_path, capsys):
    (tmp_path / "beasts.csv").write_text(",fins,legs\nfox,?,4\nseal,yes,0\nhen,no,2\n")
    config = Config(
        data="csv:beasts.csv", data_root=tmp_path, out=tmp_path / "out", symbols=Symbols(draws=1)
    )
    (result,) = main(config)
    assert result["missing"] == 1
    assert "1 missing values were taken to be the other classes' mean" in capsys.readouterr().out


def test_what_cannot_be_used(tmp_path):
    config = Config(data="csv:beasts.csv", data_root=tmp_path, out=tmp_path / "out")
    with pytest.raises(DataError, match=r"beasts\.csv is not there; expected a table"):
        main(config)
    (tmp_path / "beasts.csv").write_text(TABLE)
    with pytest.raises(DataError, match=r"line 2 holds 'mammal'; expected a number, .* leave_out"):
        main(config)
    (tmp_path / "beasts.csv").write_text(",fins\nfox,no\nwolf,no\n")
    with pytest.raises(DataError, match="every attribute is the same in all classes"):
        main(config)
    with pytest.raises(DataError, match="unknown data 'awa1'; expected synthetic:attributes"):
        main(Config(data="awa1"))


def test_a_result_is_keyed_by_the_table(tmp_path):
    file = tmp_path / "beasts.csv"
    file.write_text(TABLE)
    symbols = Symbols(leave_out=("kind",), guessed=(0.0,), draws=1)
    config = Config(
        data="csv:beasts.csv", data_root=tmp_path, out=tmp_path / "out", symbols=symbols
    )
    main(config)
    file.write_text(TABLE.replace("wolf,no", "wolf,yes"))
    with pytest.raises(RunFolderError, match=r"another config \(fingerprint: "):
        main(config)
