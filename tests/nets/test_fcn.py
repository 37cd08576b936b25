from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets import convnext
from jtransfer.nets.alexnet import alexnet_2014
from jtransfer.nets.efficientnet_lite import TopStage
from jtransfer.nets.fcn import FCN, convolutionalise, enlarged, unpooled
from jtransfer.nets.parts.batch_norm import BatchNorm
from jtransfer.nets.parts.stages import FullStage
from jtransfer.nets.parts.trunk import ConvStage, Trunk
from jtransfer.nets.resnet import PoolStage, resnet

NORM = BatchNorm(epsilon=1e-3, momentum=0.99, frozen=True, num_domains=None)
WINDOWS = {"fc6": 6, "fc7": 1, "fc8": 1}
FULL = ("fc2", partial(FullStage, 6))


def small_classifier(second=FULL):
    """Unpadded: what it gives at a place depends on that crop alone."""
    return Trunk(
        (
            ("conv1", partial(ConvStage, 4, 3, pool=(2, 2))),
            second,
            ("fc3", partial(FullStage, 5, relu=False)),
        )
    ), {second[0]: 3, "fc3": 1}


def images(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("second", [FULL, ("pool", PoolStage)])
def test_on_a_larger_image_it_is_the_classifier_at_every_aligned_crop(second):
    net, windows = small_classifier(second)
    whole = images(2, 14, 12, 3)
    variables = net.init(jax.random.key(0), whole[:, :8, :8])
    sliding, slid = convolutionalise(net, variables, windows)
    found = sliding.apply(slid, whole)
    assert found.shape == (2, 4, 3, 5)
    for row in range(4):
        for column in range(3):
            crop = whole[:, 2 * row : 2 * row + 8, 2 * column : 2 * column + 8]
            expected = net.apply(variables, crop)
            np.testing.assert_allclose(found[:, row, column], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("last", [convnext.PoolStage, partial(TopStage, NORM)])
def test_without_the_average_the_last_layers_read_every_pixel(last):
    net = Trunk((("conv1", partial(ConvStage, 4, 3)), ("last", last)))
    image = images(2, 5, 4, 3)
    variables = jax.jit(net.init)(jax.random.key(0), image)
    maps = unpooled(net).apply(variables, image)
    assert maps.shape[:3] == (2, 3, 2)
    for row in range(3):
        for column in range(2):
            crop = image[:, row : row + 3, column : column + 3]
            expected = net.apply(variables, crop)
            np.testing.assert_allclose(maps[:, row, column], expected, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_alexnet_slid_over_its_own_size_and_over_maps_of_a_larger_one():
    net = alexnet_2014(classes=10)
    variables = jax.jit(net.init)(jax.random.key(0), jnp.zeros((1, 224, 224, 3)))
    sliding, slid = convolutionalise(net, variables, WINDOWS)
    small = images(1, 224, 224, 3)
    scale = float(jnp.abs(net.apply(variables, small)).max())
    np.testing.assert_allclose(
        sliding.apply(slid, small)[:, 0, 0], net.apply(variables, small), atol=1e-4 * scale
    )
    large = images(1, 288, 256, 3)
    found, taps = sliding.apply(slid, large, taps=("conv5",))
    maps = taps["conv5"]
    assert found.shape[1:3] == (maps.shape[1] - 5, maps.shape[2] - 5)
    head = net.clone(stages=net.stages[-3:])
    of_head = {"params": {name: variables["params"][name] for name in WINDOWS}}
    for row in range(found.shape[1]):
        for column in range(found.shape[2]):
            window = maps[:, row : row + 6, column : column + 6]
            expected = head.apply(of_head, window)
            np.testing.assert_allclose(found[:, row, column], expected, atol=1e-4 * scale)


@pytest.mark.slow
def test_resnet_slid_over_its_own_size_and_over_maps_of_a_larger_one():
    net, windows = resnet(18, classes=4), {"pool": 2, "fc": 1}
    small, large = images(1, 64, 64, 3), images(1, 96, 64, 3)
    variables = jax.jit(net.init)(jax.random.key(0), small)
    sliding, slid = convolutionalise(net, variables, windows)

    @jax.jit
    def both(image):
        return net.apply(variables, image), sliding.apply(slid, image, taps=("layer4",))

    expected, (found, _) = both(small)
    scale = float(jnp.abs(expected).max())
    np.testing.assert_allclose(found[:, 0, 0], expected, atol=1e-4 * scale)
    _, (found, taps) = both(large)
    maps = taps["layer4"]
    assert (maps.shape[1:3], found.shape[1:3]) == ((3, 2), (2, 1))
    fc = variables["params"]["fc"]
    for row in range(2):
        pooled = maps[:, row : row + 2].mean(axis=(1, 2))
        expected = pooled @ fc["kernel"] + fc["bias"][None]
        np.testing.assert_allclose(found[:, row, 0], expected, atol=1e-4 * scale)


def test_windows_that_do_not_fit():
    net, windows = small_classifier()
    variables = net.init(jax.random.key(0), images(1, 8, 8, 3))
    with pytest.raises(ValueError, match=r"are fully connected are \['fc2', 'fc3'\]"):
        convolutionalise(net, variables, {"fc2": 3})
    with pytest.raises(ValueError, match="no maps of 5x5 pixels"):
        convolutionalise(net, variables, {**windows, "fc2": 5})


def scored_trunk():
    return Trunk(
        tuple(
            (f"conv{number}", partial(ConvStage, 4, 3, padding="SAME", pool=(2, 2)))
            for number in (1, 2, 3)
        )
    )


def test_a_finer_net_starts_as_the_coarser_one_doubled():
    coarse = FCN(scored_trunk(), 3, ("conv3",), stride=8)
    fine = FCN(scored_trunk(), 3, ("conv3", "conv2", "conv1"), stride=8)
    batch = images(2, 24, 16, 3)
    variables = coarse.init(jax.random.key(0), batch)
    other = fine.init(jax.random.key(1), batch)
    assert set(other["params"]) - set(variables["params"]) == {
        "score_conv2",
        "up_conv2",
        "score_conv1",
        "up_conv1",
    }
    both = {"params": {**other["params"], **variables["params"]}}
    # Bilinear steps one after the other are not one of eight, but where the scores are linear.
    flat = jax.tree.map(jnp.zeros_like, both["params"]["score_conv3"])
    flat["bias"] = jnp.array([1.0, -2.0, 0.5])
    both["params"]["score_conv3"] = flat
    found = fine.apply(both, batch)
    assert found.shape == (2, 24, 16, 3)
    inner = found[:, 7:-7, 7:-7]
    np.testing.assert_allclose(inner, np.broadcast_to(flat["bias"], inner.shape), atol=1e-6)


def test_any_size_is_padded_and_cut():
    net = FCN(scored_trunk(), 3, ("conv3", "conv2"), stride=8)
    batch = images(1, 13, 22, 3)
    variables = net.init(jax.random.key(0), batch)
    padded = np.pad(batch, ((0, 0), (0, 3), (0, 2), (0, 0)))
    found = net.apply(variables, batch)
    assert found.shape == (1, 13, 22, 3)
    np.testing.assert_allclose(found, net.apply(variables, padded)[:, :13, :22], atol=1e-6)


def test_stages_that_do_not_halve_each_other():
    net = FCN(scored_trunk(), 3, ("conv3", "conv1"), stride=8)
    with pytest.raises(ValueError, match=r"the maps of conv1 are \(8, 8\), and twice the coarser"):
        net.init(jax.random.key(0), images(1, 16, 16, 3))


def test_enlarged_by_hand_and_as_jax_does():
    maps = jnp.array([0.0, 1.0, 4.0])[None, :, None, None]
    found = enlarged(maps, (6, 1))[0, :, 0, 0]
    np.testing.assert_allclose(found, [0.0, 0.25, 0.75, 1.75, 3.25, 4.0], atol=1e-6)
    batch = images(2, 3, 5, 2)
    expected = jax.image.resize(batch, (2, 24, 40, 2), "bilinear")
    np.testing.assert_allclose(enlarged(batch, (24, 40)), expected, atol=1e-5)
