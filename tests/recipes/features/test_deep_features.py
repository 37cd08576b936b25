import os
from functools import partial

import flax.linen as nn
import jax
import numpy as np
import pytest

from jtransfer.data.examples import DataError
from jtransfer.data.feeds.image_batches import image_batches
from jtransfer.data.sources.folder import load_folder
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.weights.catalogue.table import PRETRAINED
from jtransfer.nets.weights.preprocessing import Preprocessing
from jtransfer.recipes.features import deep_features as module
from jtransfer.recipes.features.deep_features import deep_features
from jtransfer.recipes.features.nets import NETS, crop_for
from tests.experiments.toy_images import SIZE, replace_nets, tiny_net, write_images
from tests.lowering import argument_bytes, formulations_of_cpu, lowered


@pytest.fixture
def tiny_nets(monkeypatch):
    return replace_nets(monkeypatch)


@pytest.fixture
def folder(tmp_path):
    write_images(tmp_path / "colours")
    return tmp_path


def extracted(folder, layers=("conv1", "conv2"), **changes):
    settings = {"cache_folder": folder / "cache", "workers": 0, "batch": 5}
    files = load_folder("colours", folder)
    settings["crop"] = crop_for("alexnet_2014", views=changes.pop("views", 1))
    return deep_features("alexnet_2014", files, layers=layers, **{**settings, **changes})


@pytest.mark.parametrize("views", [1, 10])
def test_features_are_the_nets_of_the_normalised_crops(folder, tiny_nets, views):
    features = extracted(folder, views=views)
    crop = crop_for("alexnet_2014", views=views)
    assert (crop.resize, crop.size) == (SIZE + 32, SIZE)
    (_, images), *_ = image_batches(load_folder("colours", folder), crop, batch=12)
    pixels = images.reshape(-1, SIZE, SIZE, 3) / 255
    pixels = ((pixels - tiny_nets.about.mean) / tiny_nets.about.std).astype(np.float32)
    _, tapped = tiny_net().apply(tiny_nets.variables, pixels, taps=("conv1", "conv2"))
    for layer, maps in tapped.items():
        expected = np.asarray(maps).reshape(12, views, -1).mean(axis=1)
        np.testing.assert_allclose(features.layers[layer], expected, atol=1e-5)
    assert features.present.all()


def test_maps_may_be_averaged_over_their_pixels(folder, tiny_nets):
    whole, means = extracted(folder), extracted(folder, maps="mean")
    for layer, channels in (("conv1", 8), ("conv2", 6)):
        pixels = whole.layers[layer].reshape(12, -1, channels)
        np.testing.assert_allclose(means.layers[layer], pixels.mean(axis=1), atol=1e-5)
    assert len(list((folder / "cache").iterdir())) == 2


def test_only_the_stages_that_are_needed_are_loaded(folder, tiny_nets):
    extracted(folder, ["conv2", "conv1"], weights_path=folder / "weights.pth")
    assert tiny_nets.loaded == [("tiny", ["conv1", "conv2"], folder / "weights.pth")]


def test_extracted_once(folder, tiny_nets, capsys, monkeypatch):
    first = extracted(folder)
    printed = capsys.readouterr().out
    assert "12 images to go" in printed
    # Twelve images in batches of five; the first compiles and is not counted.
    assert "images/s with decoding" in printed
    assert "images/s in the net alone" in printed

    with monkeypatch.context() as patch:
        patch.setattr(module, "image_batches", None)
        again = extracted(folder)
    np.testing.assert_array_equal(again.layers["conv2"], first.layers["conv2"])
    assert capsys.readouterr().out == ""

    # Another choice of layers, or other data, has a cache of its own.
    extracted(folder, ["conv3"])
    (folder / "colours" / "red" / "0.png").unlink()
    assert len(extracted(folder).present) == 11
    assert len(list((folder / "cache").iterdir())) == 3


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_cannot_be_read(folder, tiny_nets, workers, capsys):
    broken = folder / "colours" / "green" / "2.png"
    os.truncate(broken, 100)
    with pytest.raises(DataError, match=r"green/2\.png"):
        extracted(folder, workers=workers)
    features = extracted(folder, on_unreadable="skip", workers=workers)
    assert np.flatnonzero(~features.present).tolist() == [6]
    # What was skipped once is not passed over in silence later.
    with pytest.raises(DataError, match=r"1 of 12 images of folder:colours could not .*\(2\.png\)"):
        extracted(folder, workers=workers)


def test_unknown_names(folder, tiny_nets):
    with pytest.raises(ValueError, match=r"layers \['conv9'\] of alexnet_2014; expected some of"):
        extracted(folder, ["conv9"])
    files = load_folder("colours", folder)
    with pytest.raises(ValueError, match="no net 'vgg'; expected one of alexnet_2014"):
        deep_features("vgg", files, layers=["conv1"], cache_folder=folder / "cache")
    with pytest.raises(ValueError, match="no net 'vgg'; expected one of alexnet_2014"):
        crop_for("vgg")


def test_by_default_every_layer_of_the_nets_own_crop(folder, tiny_nets):
    every = extracted(folder, None, crop=None)
    assert list(every.layers) == ["conv1", "conv2", "conv3"]
    some = extracted(folder, ["conv2"])
    assert every.key["preprocessing"] == some.key["preprocessing"]
    np.testing.assert_array_equal(every.layers["conv2"], some.layers["conv2"])


def test_a_layer_of_tokens_gives_its_class_token():
    trunk = Trunk((("tokens", partial(Tokens, 0)), ("norm", partial(Tokens, 1))))
    forward = partial(module._forward, trunk, ("tokens",), "tokens", "mean", HALVED)
    pixels = np.arange(2 * 2 * 2 * 3, dtype=np.uint8).reshape(1, 2, 2, 2, 3)  # two views
    # The first pixel of either view, halfway between them, in -1..1.
    np.testing.assert_allclose(
        forward({}, pixels)["tokens"], [2 * np.array([6, 7, 8]) / 255 - 1], rtol=1e-6
    )


class Tokens(nn.Module):
    """Pixels as tokens."""

    number: int

    def __call__(self, maps, *, train=False, domains=(0,)):
        return maps.reshape(len(maps), -1, maps.shape[-1])


HALVED = Preprocessing(2, 1.0, "bilinear", (0.5,) * 3, (0.5,) * 3)


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("efficientnet_lite0", [*(f"block{number}" for number in range(1, 8)), "top"]),
        ("resnet50", ["layer1", "layer2", "layer3", "layer4", "pool"]),
    ],
)
def test_the_layers_that_are_probed(name, layers):
    assert list(NETS[name].probed_layers) == layers
    assert NETS[name].feature_layer == layers[-1]


def test_the_real_nets_have_weights_and_layers():
    assert {net.weights for net in NETS.values()} <= set(PRETRAINED)
    assert crop_for("efficientnet_lite0").size == 224
    assert "conv5" in NETS["alexnet_2014_unpooled"].build().stage_names


@pytest.mark.parametrize("name", ["alexnet_2014", "efficientnet_lite0", "dinov2_small"])
def test_on_accelerators_an_extraction_is_xlas_own_and_sent_weights_and_bytes(name):
    named = NETS[name]
    net, about, size = named.build(), named.published.preprocessing, crop_for(name).size
    until = net.stage_names[2]
    blank = jax.ShapeDtypeStruct((1, size, size, 3), np.float32)
    variables = jax.eval_shape(partial(net.init, until=until), jax.random.key(0), blank)
    images = jax.ShapeDtypeStruct((2, 10, size, size, 3), np.uint8)
    program = lowered(
        partial(module._forward, net, (until,), until, "whole", about), variables, images
    )
    assert formulations_of_cpu(program) == []
    weights = sum(leaf.size for leaf in jax.tree.leaves(variables))
    assert argument_bytes(program) == 4 * weights + 2 * 10 * size * size * 3
