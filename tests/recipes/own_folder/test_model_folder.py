import hashlib
import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from jtransfer.recipes.own_folder.model_folder import ModelError, load_model, save_model


def test_probabilities_by_hand(model, toy_trunk):
    pixels = np.random.default_rng(1).integers(0, 256, (2, 8, 8, 3), np.uint8)
    maps = toy_trunk.net.apply(toy_trunk.variables, pixels / 127.5 - 1, until="small")
    features = np.asarray(maps).mean(axis=(1, 2))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    scores = (features @ np.asarray(model.probe.weights) + [0.5, -0.5]) / 0.5
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict(pixels).probabilities, expected, atol=1e-5)


def test_what_is_written_is_read(model, tmp_path):
    folder = save_model(model, tmp_path / "deep" / "model", report="<html>")
    assert sorted(each.name for each in folder.iterdir()) == [
        "model.json",
        "report.html",
        "weights.safetensors",
    ]
    loaded = load_model(folder)
    assert (loaded.classes, loaded.layer, loaded.threshold) == (("Füchse", "wolf"), "small", 0.75)
    assert loaded.about == model.about
    assert loaded.kept is not None
    assert loaded.kept.names == ("a.jpg",)
    pixels = np.random.default_rng(1).integers(0, 256, (2, 8, 8, 3), np.uint8)
    np.testing.assert_array_equal(
        loaded.predict(pixels).probabilities, model.predict(pixels).probabilities
    )
    # Only what is run is kept.
    names = load_file(folder / "weights.safetensors")
    assert not [name for name in names if "large" in name]


def test_nothing_is_overwritten(model, tmp_path):
    save_model(model, tmp_path / "model")
    with pytest.raises(ModelError, match="holds a model already"):
        save_model(model, tmp_path / "model")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ModelError, match="is there already"):
        save_model(model, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_disk_that_fails_leaves_nothing(model, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jtransfer.recipes.own_folder.model_folder.write_text", full)
    with pytest.raises(ModelError, match="No space left"):
        save_model(model, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def damaged(folder, **changes):
    file = folder / "model.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"format": 2}, "Update jtransfer"),
        ({"net": "os.system"}, "os.system"),
        ({"layer": "other"}, "'other'"),
        ({"classes": ["a", 1]}, "more than names"),
        ({"classes": ["a", "b", "c"]}, "probe/bias, probe/weights"),
        ({"temperature": "hot"}, "no number"),
        ({"temperature": 0}, "out of range"),
        ({"threshold": float("nan")}, "not finite"),
        ({"kept": ["a", "b"]}, "kept/features"),
        ({"weights_sha256": "0" * 64}, "do not belong together"),
        ({"preprocessing": {"size": 1e9, "share": 1}}, "out of range"),
        ({"preprocessing": None}, "preprocessing"),
    ],
)
def test_a_description_that_is_wrong_is_said(model, tmp_path, changes, says):
    folder = save_model(model, tmp_path / "model")
    damaged(folder, **changes)
    with pytest.raises(ModelError, match=says):
        load_model(folder)


def test_files_that_are_not_whole_are_said(model, tmp_path):
    folder = save_model(model, tmp_path / "model")
    weights = folder / "weights.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-8])
    with pytest.raises(ModelError, match="do not belong together"):
        load_model(folder)
    weights.unlink()
    with pytest.raises(ModelError, match="is not there"):
        load_model(folder)
    (folder / "model.json").write_text("[")
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(folder)
    with pytest.raises(ModelError, match="is not there; expected the description of a model"):
        load_model(tmp_path)


def test_weights_of_another_shape_are_named(model, tmp_path):
    folder = save_model(model, tmp_path / "model")
    arrays = load_file(folder / "weights.safetensors")
    arrays["probe/bias"] = np.zeros(3, np.float32)
    save_file(arrays, folder / "weights.safetensors")
    digest = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    damaged(folder, weights_sha256=digest)
    with pytest.raises(ModelError, match="probe/bias"):
        load_model(folder)
