from dataclasses import replace

import numpy as np
import pytest

from experiments.probe_layers.__main__ import main
from experiments.probe_layers.config import Config
from experiments.probe_layers.table import headlines, layer_probes
from tests.experiments.toy_images import replace_nets, write_images
from tests.measure.picture import pixels_of


@pytest.fixture
def config(tmp_path, monkeypatch):
    replace_nets(monkeypatch)
    write_images(tmp_path / "data" / "caltech101", each=9)
    return Config(
        data="folder:caltech101",
        svm=("conv1", "conv2"),
        softmax=("conv2",),
        train=6,
        folds=2,
        inner_folds=2,
        penalties=(0.1, 1.0),
        workers=0,
        batch=8,
        data_root=tmp_path / "data",
        cache=tmp_path / "cache",
        out=tmp_path / "out",
    )


def test_every_cell_is_measured_and_drawn(config, capsys):
    results = main(config)
    printed = capsys.readouterr().out
    assert [(each["head"], each["layer"]) for each in results] == [
        ("svm", "conv1"),
        ("svm", "conv2"),
        ("softmax", "conv2"),
    ]
    # Colours are told apart easily by what sees colours.
    assert [fold["accuracy"] for fold in results[0]["measured"]] == [1.0, 1.0]
    for each in results:
        assert all(fold["C"] in (0.1, 1.0) for fold in each["measured"])
    assert "ZFNet, Caltech-101" in printed
    assert ".662 ± .005" in printed
    assert pixels_of(config.out / "caltech101-alexnet_2014.png").shape == (650, 1170, 3)

    assert main(config) == results
    assert capsys.readouterr().out.count("finished before") == 3

    text = layer_probes(results)
    rows = [line for line in text.splitlines() if line.startswith("| SVM") and "±" in line]
    assert [row.split("|")[1].strip() for row in rows] == ["SVM (conv1)", "SVM (conv2)"]
    assert "1.000 ± 0.000" in rows[0]
    assert rows[0].endswith("| .448 ± .007 |")
    scores = [
        f"{np.mean([f['validation'][k] for f in results[0]['measured']]):.3f}" for k in (0, 1)
    ]
    assert "| C = 0.1 | C = 1 |" in text
    assert f"| SVM (conv1) | length 1 | {' | '.join(scores)} |" in text
    svm, softmax = headlines(results)
    assert svm == (
        "folder:caltech101, 6 images a class: SVM (conv1) of alexnet_2014",
        "1.000 ± 0.000",
        ".448 ± .007 (ZFNet, ECCV 2014)",
    )
    # The paper has no softmax on the second layer.
    assert (softmax.task.split(": ")[1], softmax.published) == (
        "softmax (conv2) of alexnet_2014",
        "–",
    )


def test_averaged_maps_have_a_table_of_their_own(config):
    whole = replace(config, svm=("conv1",), softmax=())
    assert whole.taken == "whole"
    assert replace(whole, net="efficientnet_lite0").taken == "mean"
    results = [*main(whole), *main(replace(whole, maps="mean"))]
    # The tiny net's first maps have 3 x 3 pixels of 8 channels.
    assert [each["dims"] for each in results] == [72, 8]
    text = layer_probes(results)
    assert text.count("### `folder:caltech101` by alexnet_2014") == 2
    assert text.count("Maps are averaged over their pixels.") == 1


@pytest.mark.slow
def test_layers_6_and_7_of_a_whole_alexnet(tmp_path):
    """Random weights in a file as torchvision's: the fully connected layers are classified too."""
    torch = pytest.importorskip("torch")
    from experiments.throughput.rivals.alexnet import AlexNet2014

    torch.save(AlexNet2014().state_dict(), tmp_path / "alexnet.pth")
    write_images(tmp_path / "data" / "toys", each=6)
    results = main(
        Config(
            data="folder:toys",
            weights=tmp_path / "alexnet.pth",
            svm=("conv5", "fc6", "fc7"),
            softmax=("fc7",),
            train=4,
            folds=1,
            inner_folds=2,
            penalties=(1.0,),
            workers=0,
            batch=6,
            data_root=tmp_path / "data",
            cache=tmp_path / "cache",
            out=tmp_path / "out",
        )
    )
    assert [each["dims"] for each in results] == [9216, 4096, 4096, 4096]
    assert all(len(each["measured"]) == 1 for each in results)
