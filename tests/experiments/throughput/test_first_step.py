import json

import pytest

from experiments.throughput.first_step import Config, main, median
from experiments.throughput.step_tables import first_step


def test_medians_are_of_each_stage_and_of_the_sums():
    runs = [
        {"imports": [1.0, 2.0], "data": [0.5, 0.25]},
        {"imports": [3.0, 2.0], "data": [0.25, 0.25]},
        {"imports": [2.0, 4.0], "data": [0.0, 0.75]},
    ]
    # The sums are 1.5, 3.25, 2 and 2.25, 2.25, 4.75.
    assert median(runs) == {"imports": [2.0, 2.0], "data": [0.25, 0.25], "in all": [2.0, 2.25]}


def test_where_there_is_no_data_the_run_has_said_so(tmp_path, capfd):
    with pytest.raises(SystemExit) as ended:
        main(Config(repeats=1, data_root=tmp_path, out=tmp_path / "out"))
    assert ended.value.code == 1
    assert "mnist" in capfd.readouterr().err


def test_no_repeat_is_refused():
    with pytest.raises(ValueError, match="repeats is 0; expected 1 or more"):
        main(Config(repeats=0))


@pytest.mark.slow
def test_a_short_benchmark_writes_its_numbers(data_root, tmp_path):
    result = main(Config(repeats=1, data_root=data_root, out=tmp_path / "out"))
    assert json.loads((tmp_path / "out" / "lenet.json").read_text()) == result
    for stages in result["stages"].values():
        assert list(stages) == ["imports", "data", "net and state", "first step", "in all"]
    (cold, _), (warm, _) = (result["stages"][how]["first step"] for how in ("cold", "warm"))
    assert warm < cold
    assert "| in all |" in first_step([result])
    assert first_step([]) == ""
