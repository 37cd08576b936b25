import dataclasses
import json

import pytest

from experiments.retrieve.__main__ import main
from experiments.retrieve.config import Config
from experiments.retrieve.table import headlines
from jtransfer.train.run_folder import RunFolderError
from tests.experiments.toy_images import replace_nets, write_images
from tests.measure.picture import pixels_of


@pytest.fixture
def config(tmp_path, monkeypatch):
    replace_nets(monkeypatch)
    write_images(tmp_path / "data" / "colours", each=5)
    return Config(
        data="folder:colours",
        layer="conv1",
        queries=2,
        components=3,
        sheet_rows=4,
        sheet_columns=5,
        workers=0,
        batch=4,
        data_root=tmp_path / "data",
        cache=tmp_path / "cache",
        out=tmp_path / "out",
    )


def test_a_run_measures_and_draws(config, capsys):
    result = main(config)
    printed = capsys.readouterr().out
    assert list(result["measured"]) == ["cosine", "PCA-whitened", "and signed power"]
    # Nine images are left of three classes, so there is no recall@10.
    assert list(result["measured"]["cosine"]) == ["mAP", "recall@1", "recall@5"]
    assert result["query_images"] == 6
    assert result["gallery_images"] == 9
    # Colours are told apart easily by what sees colours.
    assert result["measured"]["cosine"]["mAP"] == 1
    assert all(row["recall@1"] == 1 for row in result["measured"].values())
    assert "Holidays" in printed
    assert "0.843" in printed
    assert headlines([result]) == [
        (
            "retrieval in folder:colours: cosine, alexnet_2014 conv1",
            "mAP 1.000, recall@1 1.000",
            "–",
        )
    ]
    (folder,) = config.out.iterdir()
    assert folder.name == "colours-alexnet_2014-conv1-views1-pca3-power2-queries2-seed0"
    assert json.loads((folder / "result.json").read_text()) == result
    assert result["features"]["weights"] == "ab12"
    # Four rows of the query and five others.
    assert pixels_of(folder / "contact_sheet.png").shape == (82 + 4 * 150 + 12, 6 * 130 + 54, 3)

    again = main(config)
    printed = capsys.readouterr().out
    assert "finished before" in printed
    assert "recall@5" in printed
    assert again == result


def test_a_run_of_other_data_is_refused(config):
    main(config)
    (config.data_root / "colours" / "red" / "0.png").unlink()
    with pytest.raises(RunFolderError, match="another config"):
        main(config)


def test_images_that_are_skipped_are_neither_queries_nor_gallery(config):
    (config.data_root / "colours" / "red" / "0.png").write_bytes(b"no image")
    result = main(dataclasses.replace(config, on_unreadable="skip"))
    assert result["query_images"] + result["gallery_images"] == 14
    assert result["measured"]["cosine"]["mAP"] == 1


@pytest.mark.slow
def test_eight_classes_of_caltech_101(data_root, tmp_path):
    """Real weights tell the classes apart; measured: mAP .80, and recall@1 .975 whitened."""
    names = ("accordion", "camera", "ewer", "kangaroo", "lotus", "pagoda", "scorpion", "watch")
    (tmp_path / "eight").mkdir()
    for name in names:
        (tmp_path / "eight" / name).symlink_to(data_root / "caltech101" / name)
    weights = data_root / "weights" / "alexnet_imagenet_conv1-5.safetensors"
    config = Config(
        data="folder:eight",
        weights=weights,
        components=100,
        data_root=tmp_path,
        cache=tmp_path / "cache",
        out=tmp_path / "out",
    )
    measured = main(config)["measured"]
    assert measured["cosine"]["mAP"] > 0.6
    assert measured["PCA-whitened"]["recall@1"] > 0.9
