import pytest

from experiments.few_shot.__main__ import main
from experiments.few_shot.config import Config
from experiments.few_shot.table import few_shot, headlines
from tests.experiments.toy_images import replace_nets, write_images
from tests.measure.picture import pixels_of


@pytest.fixture
def config(tmp_path, monkeypatch):
    replace_nets(monkeypatch)
    write_images(tmp_path / "data" / "toys", each=6)
    return Config(
        data="folder:toys",
        net="alexnet_2014",
        layer="conv2",
        ways=3,
        shots=(1, 2),
        queries=3,
        episodes=20,
        workers=0,
        batch=8,
        data_root=tmp_path / "data",
        cache=tmp_path / "cache",
        out=tmp_path / "out",
    )


def test_every_classifier_is_measured_and_drawn(config, capsys):
    result = main(config)
    printed = capsys.readouterr().out
    assert "120 episodes solved in" in printed
    assert list(result["measured"]) == ["nearest class mean", "cosine", "ridge"]
    for by_shots in result["measured"].values():
        assert by_shots["2"][0] > 0.5  # chance is a third
        assert 0 <= by_shots["2"][1] < 0.2
    (figure,) = config.out.glob("*/shots.png")
    assert pixels_of(figure).ndim == 3

    assert main(config) == result
    text = few_shot([result])
    mean, half = result["measured"]["ridge"]["1"]
    assert f"| alexnet_2014 conv2, ridge | {mean:.3f} ± {half:.3f} |" in text
    best = max(result["measured"], key=lambda name: result["measured"][name]["1"][0])
    mean, half = result["measured"][best]["1"]
    assert headlines([result]) == [
        (
            f"3-way 1-shot in folder:toys: {best}, alexnet_2014 conv2",
            f"{mean:.3f} ± {half:.3f} (95% interval)",
            "–",
        )
    ]
