import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.ganin import AdaptationNet
from jtransfer.nets.parts.trunk import Head
from jtransfer.nets.weights.error import WeightsError
from jtransfer.nets.weights.pretrained_net import pretrained
from jtransfer.transfer.finetuning.layers import adopt
from tests.draws import normal

SIZE = 32  # pixels: the real weights, on small images


@pytest.fixture(scope="module")
def lite0():
    return pretrained("efficientnet_lite0", size=SIZE)


def test_the_default_is_at_hand_and_ends_with_its_features(lite0):
    trunk, variables, preprocessing = lite0
    assert trunk.stage_names[-1] == "top"
    assert (preprocessing.size, preprocessing.interpolation) == (SIZE, "bicubic")
    assert lite0.classes is None
    assert lite0.sha256.startswith("57934424")
    parameters = sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))
    assert parameters == 4_652_008 - 1281 * 1000


def test_up_to_a_stage(lite0):
    stem = pretrained("efficientnet_lite0", until="stem", size=SIZE)
    assert stem.trunk.stage_names == ("stem",)
    kernel = stem.variables["params"]["stem"]["conv"]["kernel"]
    np.testing.assert_array_equal(kernel, lite0.variables["params"]["stem"]["conv"]["kernel"])
    with pytest.raises(
        WeightsError, match=r"until='layer4' of efficientnet_lite0; .* stem, block1"
    ):
        pretrained("efficientnet_lite0", until="layer4")


def test_heads_that_were_not_published_are_refused():
    with pytest.raises(WeightsError, match="until='fc' of dinov2_small, which was published"):
        pretrained("dinov2_small", until="fc")
    with pytest.raises(WeightsError, match="classes=7 of clip_vit_b32, whose last stage"):
        pretrained("clip_vit_b32", classes=7)


def test_the_published_classifier_has_its_classes_names():
    whole = pretrained("efficientnet_lite0", until="fc", size=SIZE)
    assert whole.classes is not None
    assert (len(whole.classes), whole.classes[9]) == (1000, "ostrich")
    assert whole.variables["params"]["fc"]["kernel"].shape == (1280, 1000)


def test_a_new_head_is_drawn_and_nothing_else(lite0):
    first, second = (
        pretrained("efficientnet_lite0", classes=7, size=SIZE, key=jax.random.key(seed))
        for seed in (0, 1)
    )
    assert first.classes is None
    heads = [net.variables["params"]["fc"]["kernel"] for net in (first, second)]
    assert heads[0].shape == (1280, 7)
    assert np.abs(heads[0] - heads[1]).max() > 0.01
    np.testing.assert_allclose(heads[0].std(), np.sqrt(2 / 1280), rtol=0.05)
    below = {name: tree for name, tree in first.variables["params"].items() if name != "fc"}
    jax.tree.map(np.testing.assert_array_equal, below, lite0.variables["params"])
    images = jnp.zeros((1, SIZE, SIZE, 3))
    assert jax.eval_shape(first.trunk.apply, first.variables, images).shape == (1, 7)


def test_options_go_to_the_net():
    stem = pretrained("efficientnet_lite0", until="stem", size=SIZE, frozen_statistics=False)
    images = normal(0, (2, SIZE, SIZE, 3))
    _, moved = stem.trunk.apply(stem.variables, images, train=True, mutable=["batch_stats"])
    before = stem.variables["batch_stats"]["stem"]["norm"]["mean"]
    assert np.abs(moved["batch_stats"]["stem"]["norm"]["mean"] - before).max() > 1e-4


def test_every_domain_starts_from_the_published_statistics():
    one = pretrained("efficientnet_lite0", until="stem", size=SIZE)
    two = pretrained("efficientnet_lite0", until="stem", size=SIZE, num_domains=2)
    published = one.variables["batch_stats"]["stem"]["norm"]["var"]
    kept = two.variables["batch_stats"]["stem"]["norm"]["var"]
    np.testing.assert_array_equal(kept, np.stack([published, published]))
    images = jax.random.normal(jax.random.key(0), (2, SIZE, SIZE, 3))
    expected = one.trunk.apply(one.variables, images)
    outputs = two.trunk.apply(two.variables, images, domains=(0, 1))
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


def test_heads_for_adaptation_are_put_on_it():
    trunk, _, _ = stem = pretrained("efficientnet_lite0", until="stem", size=SIZE)
    net = AdaptationNet(trunk, Head((), 5), Head((4,), 1))
    images = normal(0, (1, SIZE, SIZE, 3))
    fresh = jax.jit(net.init)(jax.random.key(0), images)
    variables = adopt(fresh, stem.below(), reinitialise=("label_head", "domain_head"))
    features = net.apply(variables, images, method="features")
    expected = trunk.apply(stem.variables, images)
    np.testing.assert_allclose(features, expected.reshape(1, -1), rtol=1e-6)
