from pathlib import Path

import pytest

from experiments.segment.__main__ import main
from experiments.segment.config import Config
from experiments.segment.table import headlines, segmentation, table


def made(row, seed, iou):
    scratch = row == "8s_scratch"
    numbers = ("mean_iou", "mean_accuracy", "pixel_accuracy", "frequency_weighted_iou")
    return {
        **dict.fromkeys(numbers, iou),
        "data": "masks:street:train",
        "net": "small",
        "scored": ["top"],
        "row": row,
        "seed": seed,
        "steps": 300 if scratch else 100,
        "batch": 8,
        "learning_rate": 0.001,
        "trunk_rate": 0.1,
        "jitter": 0.4,
        "iou": [iou, iou / 2],
        "classes": ["road", "car"],
        "images": [20, 5, 10],
        "seconds": 60.0,
        "made_by": {"device": "two cores", "versions": {"jax": "1", "flax": "2"}},
    }


def test_a_row_for_every_net_and_the_finest_on_the_front_page():
    results = [made("32s", 0, 0.3), made("8s", 0, 0.5), made("8s", 1, 0.6)]
    results.append(made("8s_scratch", 0, 0.2))
    page = segmentation(results)
    assert "| FCN-8s, from 16s | 0.550 ± 0.071 |" in page
    assert "| FCN-8s, from scratch | 0.200 |" in page
    assert "| 0.550 | 0.275 |" in page
    assert "20 images to train, 5 to choose the step by, 10 to test; 100 steps a stage" in page
    assert [line.measured for line in headlines(results)] == ["0.550 ± 0.071"]
    assert "FCN-32s scores the maps of `top`" in page
    assert "FCN-32s" in table(results)
    assert segmentation([]) == ""


def test_images_of_another_size_are_told_in_the_names_of_runs():
    assert Config("masks:street", size=(360, 480)).conduct.prefix == "masks_street-480x360-"
    assert Config("masks:street").conduct.prefix == "masks_street-"


@pytest.mark.slow
def test_drawn_scenes_are_learned_by_the_default_net(tmp_path: Path, capsys):
    (result,) = main(Config(rows=("32s",), steps=30, batch=4, out=tmp_path))
    assert result["pixel_accuracy"] > 0.5
    assert (tmp_path / "synthetic_scenes-efficientnet_lite0-32s-30-seed0/overlays.png").exists()
    assert "parameters move" in capsys.readouterr().out
