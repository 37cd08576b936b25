"""Tiny images whose pixels say their class."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.data.examples import DataError
from jtransfer.data.masks import MaskedImages
from jtransfer.nets.fcn import unpooled
from jtransfer.nets.parts.trunk import ConvStage, Trunk
from jtransfer.nets.weights.error import WeightsError
from jtransfer.nets.weights.preprocessing import Preprocessing
from jtransfer.nets.weights.pretrained import published_weights
from jtransfer.recipes.segmentation.nets import Base, base, scored_stages
from jtransfer.recipes.segmentation.problem import Problem
from jtransfer.recipes.segmentation.run import Conduct, _name, segment
from jtransfer.recipes.segmentation.training import Options

COLOURS = np.array([[0, 0, 0], [250, 0, 0], [0, 250, 0]], np.uint8)
OPTIONS = Options(steps=60, batch=4, learning_rate=0.03, trunk_rate=1.0, scale=(0.9, 1.1), looks=2)


def masked(count, seed, name):
    blocks = np.random.default_rng(seed).integers(0, 3, (count, 2, 3))
    masks = np.kron(blocks, np.ones((1, 16, 16), int)).astype(np.uint8)
    masks[:, 0, 0] = 9
    images = COLOURS[np.minimum(masks, 2)]
    return MaskedImages(images, masks, ("ground", "red", "green"), 9, name)


@pytest.fixture(scope="module")
def problem():
    return Problem(masked(8, 0, "train"), masked(4, 1, "val"), masked(4, 2, "test"))


@pytest.fixture(scope="module")
def small():
    # Five halvings, as the strides of the real nets; the first four lose nothing of the blocks.
    stage = partial(ConvStage, 6, 1, padding="SAME", pool=(2, 2))
    trunk = Trunk(tuple((f"conv{number}", stage) for number in range(1, 6)))
    variables = jax.jit(trunk.init)(jax.random.key(0), jnp.zeros((1, 32, 32, 3)))
    plain = Preprocessing(16, 1.0, "bilinear", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    return Base(trunk, trunk, variables, plain, ("conv5", "conv4", "conv3"), "small")


def test_the_stages_are_trained_one_from_the_other_and_once(problem, small, tmp_path, capsys):
    conduct = Conduct(tmp_path, identity={"experiment": "segment"})
    (fine,) = segment(problem, small, ("16s",), options=OPTIONS, conduct=conduct)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["small-16s-60-seed0", "small-32s-60-seed0"]
    assert fine["mean_iou"] > 0.6
    assert len(fine["iou"]) == 3
    capsys.readouterr()
    coarse, again = segment(problem, small, ("32s", "16s"), options=OPTIONS, conduct=conduct)
    assert again == fine
    assert coarse["mean_iou"] < fine["mean_iou"]
    assert capsys.readouterr().out.count("finished before") == 2


def test_runs_that_see_images_in_other_ways_have_folders_of_their_own(small):
    options = replace(OPTIONS, window=(24, 32))
    assert _name(small, "8s", options, Conduct(), 1) == "small-8s-60-window32x24-seed1"
    assert _name(small, "8s", OPTIONS, Conduct(prefix="street-"), 1) == "street-small-8s-60-seed1"


def test_sets_that_do_not_name_the_same():
    other = masked(2, 1, "val")
    renamed = MaskedImages(other.images, other.masks, ("a", "b", "c"), 9, "val")
    with pytest.raises(DataError, match="expected the same"):
        Problem(masked(2, 0, "train"), renamed, other)


@pytest.mark.parametrize(
    ("name", "scored"),
    [
        ("efficientnet_lite2", ("top", "block5", "block3")),
        ("resnet18", ("layer4", "layer3", "layer2")),
        ("convnext_tiny", ("pool", "stage3", "stage2")),
    ],
)
def test_the_last_stages_of_the_strides_are_scored(name, scored):
    assert scored_stages(unpooled(published_weights(name).build()), name) == scored


def test_nets_without_maps_of_the_strides():
    with pytest.raises(ValueError, match=r"deit_tiny_patch16 has .* 32 pixels \(strides: none\)"):
        base("deit_tiny_patch16")
    with pytest.raises(ValueError, match=r"alexnet_2014 has no maps of .* 32 .*expected 32, 16"):
        base("alexnet_2014")
    with pytest.raises(WeightsError, match="vgg"):
        base("vgg")


def test_efficientnet_lite_has_stages_of_strides_32_16_and_8():
    there = base("efficientnet_lite0")
    shapes = jax.eval_shape(
        there.net(11, 3).init, jax.random.key(0), jax.ShapeDtypeStruct((1, 180, 240, 3), "float32")
    )["params"]
    assert shapes["score_block3"]["kernel"].shape == (40, 11)
    assert shapes["up_block5"]["kernel"].shape == (4, 4, 11, 11)
