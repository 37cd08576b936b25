from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.alexnet import adaptive_average_pool, alexnet_2012, alexnet_2014
from jtransfer.nets.parts.layers import max_pool
from tests.draws import normal

NETS = {"2012": (alexnet_2012, 227), "2014": (alexnet_2014, 224)}


def taps_of(net, size):
    """The shapes of the variables and of what every stage gives, without computing them."""
    images = jax.ShapeDtypeStruct((2, size, size, 3), jnp.float32)
    init = partial(net.init_with_output, taps=net.stage_names)
    (_, taps), variables = jax.eval_shape(init, jax.random.key(0), images)
    return variables, {name: tap.shape[1:] for name, tap in taps.items()}


@pytest.mark.parametrize(("year", "count"), [("2012", 60_965_224), ("2014", 61_100_840)])
def test_the_parameters_are_the_published_ones(year, count):
    net, size = NETS[year]
    variables, _ = taps_of(net(), size)
    assert sum(leaf.size for leaf in jax.tree.leaves(variables["params"])) == count
    assert set(variables) == {"params"}
    for name in net().stage_names:
        assert set(variables["params"][name]) == {"kernel", "bias"}


def test_the_stages_have_the_published_shapes():
    ends = {"fc6": (4096,), "fc7": (4096,), "fc8": (7,)}
    small = {"conv3": (13, 13, 384), "conv5": (6, 6, 256)}
    large = {"conv5": (13, 13, 256)}
    of_2012 = {"conv1": (27, 27, 96), "conv2": (13, 13, 256), "conv4": (13, 13, 384), **small}
    _, taps = taps_of(alexnet_2012(classes=7), 227)
    assert taps == {**of_2012, **ends}
    _, taps = taps_of(alexnet_2012(classes=7, pooled=False), 227)
    before = {"conv1": (55, 55, 96), "conv2": (27, 27, 256), **large}
    assert taps == {**of_2012, **before, **ends}
    of_2014 = {"conv1": (27, 27, 64), "conv2": (13, 13, 192), "conv4": (13, 13, 256), **small}
    _, taps = taps_of(alexnet_2014(classes=7), 224)
    assert taps == {**of_2014, **ends}
    _, taps = taps_of(alexnet_2014(classes=7, pooled=False), 224)
    before = {"conv1": (55, 55, 64), "conv2": (27, 27, 192), **large}
    assert taps == {**of_2014, **before, **ends}


def test_2014_takes_other_sizes_with_the_same_parameters():
    expected, _ = taps_of(alexnet_2014(), 224)
    for size in (63, 300):
        assert jax.tree.map(jnp.shape, taps_of(alexnet_2014(), size)[0]) == jax.tree.map(
            jnp.shape, expected
        )
    with pytest.raises(ValueError, match="windows of 3"):
        taps_of(alexnet_2014(), 62)


def test_unpooled_is_the_same_function_of_2014():
    images = normal(0, (1, 63, 79, 3))
    pooled, unpooled = (alexnet_2014(pooled=choice) for choice in (True, False))
    variables = jax.jit(partial(pooled.init, until="conv2"))(jax.random.key(1), images)

    def taps(net):
        apply = partial(net.apply, until="conv2", taps=("conv1", "conv2"))
        return jax.jit(apply)(variables, images)[1]

    behind, before = taps(pooled), taps(unpooled)
    assert behind["conv2"].std() > 0.1
    for name, expected in behind.items():
        maps = max_pool(before[name], window=3, stride=2)
        np.testing.assert_allclose(maps, expected, atol=1e-5)


@pytest.mark.parametrize("pooled", [True, False])
def test_2012_equals_the_same_net_in_torch_at_every_layer(pooled, rival_of_2012):
    images, variables, expected = rival_of_2012
    net = alexnet_2012(classes=10, pooled=pooled)
    _, taps = jax.jit(lambda v, x: net.apply(v, x, taps=net.stage_names))(variables, images)
    for name in net.stage_names:
        wanted = expected.get(name if pooled else f"{name} before", expected[name])
        size = wanted.std()
        assert size > 0
        np.testing.assert_allclose(taps[name] / size, wanted / size, atol=1e-4, err_msg=name)


@pytest.fixture(scope="module")
def rival_of_2012():
    """Images, variables, and what PyTorch makes of them, also before normalisation and pool."""
    torch = pytest.importorskip("torch")
    nn = torch.nn
    torch.manual_seed(0)
    # PyTorch divides alpha by the window, the paper does not.
    norm, pool = nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0), nn.MaxPool2d(3, 2)
    layers = {
        "conv1": (nn.Conv2d(3, 96, 11, stride=4), norm, pool),
        "conv2": (nn.Conv2d(96, 256, 5, padding=2, groups=2), norm, pool),
        "conv3": (nn.Conv2d(256, 384, 3, padding=1),),
        "conv4": (nn.Conv2d(384, 384, 3, padding=1, groups=2),),
        "conv5": (nn.Conv2d(384, 256, 3, padding=1, groups=2), pool),
        "fc6": (nn.Linear(256 * 6 * 6, 4096),),
        "fc7": (nn.Linear(4096, 4096),),
        "fc8": (nn.Linear(4096, 10),),
    }
    images = 60 * torch.randn(2, 3, 227, 227)  # as bytes minus their mean, so that norm matters
    maps, taps, params = images, {}, {}
    with torch.no_grad():
        for name, (layer, *rest) in layers.items():
            maps = layer(maps.flatten(1) if name == "fc6" else maps)
            maps = maps if name == "fc8" else maps.relu()
            taps[f"{name} before"] = maps
            for operation in rest:
                maps = operation(maps)
            taps[name] = maps
            weight = layer.weight
            if name == "fc6":
                weight = weight.reshape(-1, 256, 6, 6).permute(0, 2, 3, 1).flatten(1)
            kernel = weight.permute(2, 3, 1, 0) if weight.ndim == 4 else weight.T
            params[name] = {"kernel": kernel.numpy(), "bias": layer.bias.numpy()}
    last = {k: (t.permute(0, 2, 3, 1) if t.ndim == 4 else t).numpy() for k, t in taps.items()}
    return images.permute(0, 2, 3, 1).numpy(), {"params": params}, last


@pytest.mark.parametrize(("height", "width"), [(1, 2), (7, 13), (6, 6)])
def test_adaptive_average_pool_equals_torchs(height, width):
    torch = pytest.importorskip("torch")
    maps = np.random.default_rng(0).normal(size=(2, height, width, 3)).astype(np.float32)
    theirs = torch.nn.AdaptiveAvgPool2d(6)(torch.from_numpy(maps).permute(0, 3, 1, 2))
    ours = adaptive_average_pool(jnp.asarray(maps), side=6)
    np.testing.assert_allclose(ours, theirs.permute(0, 2, 3, 1).numpy(), atol=1e-6)


def test_adaptive_average_pool_by_hand():
    maps = jnp.array([1.0, 2.0, 6.0]).reshape(1, 3, 1, 1)
    pooled = adaptive_average_pool(maps, side=2)
    np.testing.assert_allclose(pooled[0, :, :, 0], [[1.5, 1.5], [4.0, 4.0]])


@pytest.mark.parametrize(("year", "first"), [("2012", "fc7"), ("2014", "fc6")])
def test_dropout_begins_where_the_published_net_has_it(year, first):
    make, size = NETS[year]
    net = make(classes=7)
    variables, _ = taps_of(net, size)
    images = jax.ShapeDtypeStruct((2, size, size, 3), jnp.float32)

    def train(until, **settings):
        apply = partial(net.apply, train=True, until=until, **settings)
        return jax.eval_shape(apply, variables, images)

    before = net.stage_names[net.stage_names.index(first) - 1]
    train(before)
    with pytest.raises(Exception, match='"dropout"'):
        train(first)
    without = make(classes=7, dropout=0.0)
    apply = partial(without.apply, train=True)
    assert jax.eval_shape(apply, variables, images).shape == (2, 7)


def test_averages_of_half_precision_maps_are_half_precision():
    """As every stage's outputs are, so that the next one computes in it too."""
    maps = jnp.full((1, 9, 8, 2), 3.0, jnp.bfloat16)
    averages = adaptive_average_pool(maps, side=6)
    assert averages.dtype == jnp.bfloat16
    np.testing.assert_array_equal(averages, jnp.full((1, 6, 6, 2), 3.0, jnp.bfloat16))
