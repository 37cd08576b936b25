from dataclasses import replace

import jax
import numpy as np
import pytest
from jax import export as jax_export
from safetensors.numpy import load_file

from jtransfer.recipes.own_folder import export as export_module
from jtransfer.recipes.own_folder.export import export
from jtransfer.recipes.own_folder.model_folder import ModelError


def test_stablehlo_gives_the_models_probabilities_for_any_number_of_images(model, tmp_path):
    path = export(model, "stablehlo", tmp_path / "model.stablehlo")
    program = jax_export.deserialize(bytearray(path.read_bytes()))
    assert program.platforms == ("cpu", "cuda", "tpu")
    pixels = np.random.default_rng(2).integers(0, 256, (5, 8, 8, 3), np.uint8)
    for images in (pixels[:1], pixels):
        found = np.asarray(jax.jit(program.call)(images))
        np.testing.assert_allclose(found, model.predict(images).probabilities, atol=1e-6)


def test_what_differs_is_not_written(model, tmp_path, monkeypatch):
    honest = export_module.stablehlo(model)
    other = replace(model, temperature=2.0)
    monkeypatch.setattr(export_module, "stablehlo", lambda _: honest)
    with pytest.raises(ModelError, match="differ by"):
        export(other, "stablehlo", tmp_path / "model.stablehlo")
    assert list(tmp_path.iterdir()) == []


def test_weights_by_our_names_and_by_the_publishers(model, tmp_path):
    ours = load_file(export(model, "safetensors", tmp_path / "ours.safetensors"))
    theirs = load_file(export(model, "timm", tmp_path / "theirs.safetensors"))
    kernel = np.asarray(model.trunk.variables["params"]["small"]["conv"]["kernel"])
    np.testing.assert_array_equal(ours["trunk/params/small/conv/kernel"], kernel)
    np.testing.assert_array_equal(theirs["a.weight"], kernel.transpose(3, 2, 0, 1))
    np.testing.assert_array_equal(theirs["probe.weight"], np.asarray(model.probe.weights).T)


def test_nothing_is_overwritten_and_formats_are_known(model, tmp_path):
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(ModelError, match="is there already"):
        export(model, "stablehlo", tmp_path / "mine")
    with pytest.raises(ValueError, match="no format 'onnx'"):
        export(model, "onnx", tmp_path / "other")
