from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export as jax_export
from PIL import Image
from safetensors.numpy import load_file

from jtransfer.nets.weights.catalogue.table import PRETRAINED
from jtransfer.recipes.own_folder import export as export_module
from jtransfer.recipes.own_folder.export import export
from jtransfer.recipes.own_folder.frozen_trunk import FrozenTrunk, load_trunk, trunk_net
from jtransfer.recipes.own_folder.model import Model
from jtransfer.recipes.own_folder.model_folder import ModelError
from jtransfer.transfer.features.probe import LinearProbe
from tests.draws import normal
from tests.nets.published_nets import timm


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


@pytest.mark.parametrize(("form", "makes"), [("safetensors", "packed"), ("timm", "_for_timm")])
def test_weights_that_differ_are_not_written(model, tmp_path, monkeypatch, form, makes):
    other = replace(model, probe=replace(model.probe, bias=model.probe.bias + 1))
    wrong = getattr(export_module, makes)(other)
    monkeypatch.setattr(export_module, makes, lambda _: wrong)
    with pytest.raises(ModelError, match="exported weights probe/bias differ from the model's"):
        export(model, form, tmp_path / "weights")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_lite0_is_exported_and_timm_takes_it(tmp_path):
    """All three formats of a net of the real size, and its features as timm computes them."""
    trunk = load_trunk("efficientnet_lite0")
    rng = np.random.default_rng(0)
    weights = jnp.asarray(rng.normal(size=(1280, 3)), jnp.float32)
    model = Model(
        classes=("a", "b", "c"),
        trunk=trunk,
        layer="top",
        unit_length=True,
        probe=LinearProbe(weights, jnp.zeros(3), jnp.zeros(())),
        temperature=0.1,
        threshold=0.5,
    )
    pictures = rng.integers(0, 256, (2, 300, 280, 3), np.uint8)
    expected = model.predict(pictures).probabilities
    # Scaling and cutting are not in the program.
    pixels = np.stack([trunk.crop(Image.fromarray(each)) for each in pictures])
    program = export(model, "stablehlo", tmp_path / "model.stablehlo")
    called = jax_export.deserialize(bytearray(program.read_bytes())).call(pixels)
    np.testing.assert_allclose(called, expected, atol=1e-4)
    ours = load_file(export(model, "safetensors", tmp_path / "ours"))
    assert sum(each.size for each in ours.values()) > 3e6
    theirs = load_file(export(model, "timm", tmp_path / "theirs"))
    assert theirs["conv_stem.weight"].shape == (32, 3, 3, 3)
    torch = pytest.importorskip("torch")
    rival = timm().create_model("tf_efficientnet_lite0", num_classes=0).eval()
    state = {name: torch.from_numpy(each) for name, each in theirs.items() if "probe" not in name}
    rival.load_state_dict(state)
    images = torch.from_numpy(np.array(trunk.preprocessing.normalise(jnp.asarray(pixels))))
    with torch.no_grad():
        features = rival(images.permute(0, 3, 1, 2)).numpy()
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    logits = (features @ theirs["probe.weight"].T + theirs["probe.bias"]) / 0.1
    np.testing.assert_allclose(jax.nn.softmax(logits), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "by_timm"),
    [
        ("resnet18", "resnet18"),
        ("convnext_tiny", "convnext_tiny"),
        ("vit_tiny_patch16", "vit_tiny_patch16_224"),
        ("dinov2_small", "vit_small_patch14_dinov2"),
        ("dinov2_small_registers", "vit_small_patch14_reg4_dinov2"),
        ("clip_vit_b32", "vit_base_patch32_clip_quickgelu_224"),
        ("clip_vit_b32_laion2b", "vit_base_patch32_clip_224"),
    ],
)
@pytest.mark.slow
def test_timm_takes_every_family_and_gives_its_probabilities(tmp_path, name, by_timm):
    """Of weights at random; the probe reads what timm's net without a classifier gives."""
    net, preprocessing = trunk_net(name), PRETRAINED[name].preprocessing
    size = preprocessing.size
    variables = net.init(jax.random.key(0), jnp.zeros((1, size, size, 3)))
    trunk = FrozenTrunk(name, net, variables, preprocessing, "")
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (2, size, size, 3), np.uint8)
    layer = net.stage_names[-1]
    dims = trunk(variables, jnp.asarray(pixels), (layer,))[layer].shape[1]
    probe = LinearProbe(normal(1, (dims, 3)), jnp.zeros(3), jnp.zeros(()))
    model = Model(("a", "b", "c"), trunk, layer, True, probe, temperature=0.1, threshold=0.5)
    theirs = load_file(export(model, "timm", tmp_path / "theirs"))
    torch = pytest.importorskip("torch")
    rival = timm().create_model(by_timm, num_classes=0).eval()
    counters = {key: each for key, each in rival.state_dict().items() if "num_batches" in key}
    state = {key: torch.from_numpy(each) for key, each in theirs.items() if "probe" not in key}
    rival.load_state_dict(state | counters)
    images = torch.from_numpy(np.array(preprocessing.normalise(jnp.asarray(pixels))))
    with torch.no_grad():
        features = rival(images.permute(0, 3, 1, 2)).numpy()
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    logits = (features @ theirs["probe.weight"].T + theirs["probe.bias"]) / 0.1
    expected = np.asarray(model.apply(model.arrays, jnp.asarray(pixels))[0])
    np.testing.assert_allclose(jax.nn.softmax(logits), expected, atol=1e-4)


def test_nothing_is_overwritten_and_formats_are_known(model, tmp_path):
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(ModelError, match="is there already"):
        export(model, "stablehlo", tmp_path / "mine")
    with pytest.raises(ValueError, match="no format 'onnx'"):
        export(model, "onnx", tmp_path / "other")
