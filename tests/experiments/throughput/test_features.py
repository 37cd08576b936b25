import json

import pytest

from experiments.throughput.features import Config, main
from experiments.throughput.tables import feature_extraction
from tests.experiments.toy_images import write_images


@pytest.mark.slow
def test_a_short_benchmark_writes_its_numbers(tmp_path, capsys):
    write_images(tmp_path / "data" / "toys", each=3)
    config = Config(
        rounds=3,
        warm_up=1,
        batch=2,
        data="folder:toys",
        data_root=tmp_path / "data",
        workers=0,
        batches=2,
        out=tmp_path,
    )
    result = main(config)
    assert json.loads((tmp_path / "alexnet.json").read_text()) == result
    assert result["forward"]["jtransfer"]["rounds"] == 3
    assert result["images_per_second"]["decoded"] > result["images_per_second"]["decoded_and_net"]
    assert "images/s decoded" in capsys.readouterr().out
    assert "\n| jtransfer |" in feature_extraction([result])
