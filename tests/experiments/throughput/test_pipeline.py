import json
from functools import partial

from experiments import tuned_nets
from experiments.deep_features import DeepNet
from experiments.throughput import pipeline
from experiments.throughput.pipeline import Config, main
from experiments.throughput.tables import input_pipeline
from experiments.tuned_nets import Tuned
from jtransfer.nets.weights.pretrained import PRETRAINED
from tests.experiments.toy_images import tiny_net, write_images


def test_a_short_benchmark_writes_its_numbers(tmp_path, monkeypatch, capsys):
    tuned = Tuned("conv2", ("full",), {"small": 16}, 0.05, 0.05, 0.05)
    monkeypatch.setattr(tuned_nets, "NETS", {"alexnet_2014": DeepNet(tiny_net, "tiny")})
    monkeypatch.setattr(tuned_nets, "PRETRAINED", {"tiny": PRETRAINED["alexnet_2014"]})
    for module in (tuned_nets, pipeline):
        monkeypatch.setattr(module, "TUNED", {"alexnet_2014": tuned})
    write_images(tmp_path / "data" / "toys")
    short = partial(Config, batch=4, workers=(0,), steps=2, warm_up=1, files=8, out=tmp_path)
    result = main(short(data="folder:toys", data_root=tmp_path / "data"))
    assert json.loads((tmp_path / "alexnet_2014.json").read_text()) == result
    assert (result["data"], result["size"]) == ("folder:toys", 16)
    (row,) = result["rows"]
    assert 0 <= row["waiting"] < 1
    assert "images/s" in capsys.readouterr().out
    assert "\n| a thread |" in input_pipeline([result])
    assert input_pipeline([]) == ""
    assert main(short())["data"] == "drawn files"
