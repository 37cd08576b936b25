from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.classifier import Classifier
from jtransfer.nets.parts.transformer import TransformerShape
from jtransfer.nets.parts.trunk import Head
from jtransfer.nets.vit import vit

TINY = TransformerShape(width=16, depth=2, heads=2)
IMAGES = np.random.default_rng(0).normal(size=(3, 16, 24, 3)).astype(np.float32)


def small(**settings):
    return vit(TINY, **{"patch": 8, "size": 16, "classes": 5, **settings})


def shapes(net, images=IMAGES):
    """The shapes of the variables and of what every stage gives, without computing them."""
    init = partial(net.init_with_output, taps=net.stage_names)
    (_, taps), variables = jax.eval_shape(init, jax.random.key(0), images)
    return variables, {name: tap.shape for name, tap in taps.items()}


@pytest.mark.parametrize(
    ("name", "settings", "parameters"),
    [
        # Those of timm's models of the names in `vit_names`, with heads of 1000 classes.
        ("tiny", {}, 5_717_416),
        ("small", {}, 22_050_664),
        ("base", {}, 86_567_656),
        ("small", {"patch": 14, "size": 518, "layer_scale": 1e-5}, 22_056_192 + 385_000),
        ("base", {"patch": 14, "size": 518, "layer_scale": 1e-5}, 86_579_712 + 769_000),
        (
            "small",
            {
                **{"patch": 14, "size": 518, "layer_scale": 1e-5},
                **{"registers": 4, "class_position": False},
            },
            22_057_344 + 385_000,
        ),
    ],
    ids=["tiny", "small", "base", "dinov2-small", "dinov2-base", "dinov2-small-registers"],
)
def test_the_parameters_are_the_published_ones(name, settings, parameters):
    net = vit(name, **settings)
    variables = jax.eval_shape(net.init, jax.random.key(0), jnp.zeros((1, 224, 224, 3)))
    assert set(variables) == {"params"}
    assert sum(leaf.size for leaf in jax.tree.leaves(variables)) == parameters
    blocks = (f"block{number}" for number in range(1, 13))
    assert net.stage_names == ("patches", *blocks, "norm", "fc")


def test_the_stages_and_their_shapes():
    variables, taps = shapes(small(registers=4, features="both"))
    tokens = (3, 1 + 4 + 2 * 3, 16)
    assert taps == {
        "patches": tokens,
        "block1": tokens,
        "block2": tokens,
        "norm": (3, 32),
        "fc": (3, 5),
    }
    assert jax.tree.map(jnp.shape, variables["params"]["patches"]) == {
        "kernel": (8, 8, 3, 16),
        "bias": (16,),
        "class_token": (16,),
        "positions": (5, 16),
        "registers": (4, 16),
    }
    layer = {"kernel": (16, 16), "bias": (16,)}
    norm = {"scale": (16,), "bias": (16,)}
    assert jax.tree.map(jnp.shape, variables["params"]["block2"]) == {
        "attention_norm": norm,
        "attention": dict.fromkeys(("query", "key", "value", "out"), layer),
        "mlp_norm": norm,
        "fc1": {"kernel": (16, 64), "bias": (64,)},
        "fc2": {"kernel": (64, 16), "bias": (16,)},
    }


@pytest.fixture(scope="module")
def variables():
    return jax.jit(small().init)(jax.random.key(0), IMAGES)


def test_features_are_the_class_token_the_mean_or_both(variables):
    """All behind the layer norm, which is by hand here; registers would be in no mean."""
    apply = jax.jit(partial(small().apply, until="block2"))
    tokens = np.asarray(apply(variables, IMAGES))
    mean, var = tokens.mean(-1, keepdims=True), tokens.var(-1, keepdims=True)
    normed = (tokens - mean) / np.sqrt(var + 1e-6)
    expected = {"class": normed[:, 0], "mean": normed[:, 1:].mean(1)}
    expected["both"] = np.concatenate(list(expected.values()), axis=1)
    for features, wanted in expected.items():
        net = small(features=features)
        given = jax.jit(partial(net.apply, until="norm"))(variables, IMAGES)
        np.testing.assert_allclose(given, wanted, atol=1e-5, err_msg=features)


def test_layer_scale_begins_with_its_gain(variables):
    net = small(layer_scale=1e-5)
    params = jax.jit(net.init)(jax.random.key(0), IMAGES)["params"]
    np.testing.assert_array_equal(params["block1"]["attention_scale"], np.full(16, 1e-5, "f4"))
    _, taps = jax.jit(partial(net.apply, taps=("patches", "block2")))({"params": params}, IMAGES)
    # Branches that are almost off leave the tokens where they are.
    np.testing.assert_allclose(taps["block2"], taps["patches"], atol=1e-3)
    _, taps = jax.jit(partial(small().apply, taps=("patches", "block2")))(variables, IMAGES)
    assert np.abs(taps["block2"] - taps["patches"]).max() > 1e-2


def test_a_head_of_ones_own_on_its_features():
    net = Classifier(small(features="mean"), Head((), outputs=3))
    assert net.trunk.stage_names[-2:] == ("norm", "fc")
    variables = jax.eval_shape(net.init, jax.random.key(0), IMAGES)
    assert variables["params"]["head"]["out"]["kernel"].shape == (5, 3)


@pytest.mark.parametrize(("height", "width", "nearest"), [(15, 16, "8x16"), (16, 4, "16x8")])
def test_images_that_the_patches_do_not_divide_are_refused(height, width, nearest):
    message = rf"images of {height}x{width} pixels do not split .* of 8x8; .* such as to {nearest}"
    with pytest.raises(ValueError, match=message):
        shapes(small(), jnp.zeros((1, height, width, 3)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 20}, r"images of 20 pixels do not go with patches of 8; .* such as 16"),
        ({"patch": 0}, "patches of 0"),
        ({"features": "cls"}, "features='cls'; expected one of class, mean, both"),
        ({"resampling": "jax"}, "resampling='jax'; expected one of timm, huggingface, dinov2"),
        ({"shape": "huge"}, "shape='huge'; expected one of tiny, small, base, a TransformerShape"),
    ],
)
def test_settings_that_fit_nothing_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        vit(**{"shape": TINY, "patch": 8, "size": 16, **settings})


@pytest.mark.parametrize("shape", [(16, 2, 3), (0, 2, 1), (16, 0, 2)])
def test_heads_that_do_not_divide_the_width_are_refused(shape):
    with pytest.raises(ValueError, match=r"heads that divide the width"):
        TransformerShape(*shape)
