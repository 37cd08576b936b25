import pytest

from experiments.feature_tables import few_shot
from experiments.few_shot import Config, main
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
