from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.nets.classifier import Classifier
from jtransfer.nets.parts.stages import FullStage
from jtransfer.nets.parts.trunk import Head, Trunk
from jtransfer.nets.vit import vit
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.finetuning.layers import LayerError
from jtransfer.transfer.finetuning.lora import LoRA
from jtransfer.transfer.finetuning.moved import read_moved, write_moved
from jtransfer.transfer.parameter_groups import parameter_groups
from jtransfer.transfer.supervised import supervised_loss


class PointwiseStage(nn.Module):
    """A 1x1 convolution, as its kernel alone."""

    @nn.compact
    def __call__(self, maps, *, train=False, domains=(0,)):
        kernel = self.param("kernel", nn.initializers.he_normal(), (1, 1, maps.shape[-1], 6))
        return nn.relu(maps @ kernel[0, 0])


NET = Classifier(
    Trunk((("point", PointwiseStage), ("full", partial(FullStage, 5)))), Head((), outputs=3)
)
IMAGES = jax.random.normal(jax.random.key(9), (4, 2, 2, 3))
LABELS = jnp.array([0, 1, 2, 0])
LORA_SETTINGS = LoRA("trunk/.*/kernel", rank=2, alpha=6.0)
ADAPTED = 2 * (3 + 6) + 2 * (24 + 5)  # of the kernels [1, 1, 3, 6] and [2 * 2 * 6, 5]
IN_HEAD = 5 * 3 + 3


@pytest.fixture(scope="module")
def variables():
    return NET.init(jax.random.key(0), IMAGES)


def trained(variables, steps=3):
    lora = LORA_SETTINGS
    adapted = lora.adapt(variables, key=jax.random.key(1))
    groups = parameter_groups(adapted["params"], lora.rules())
    optimizer = groups.optimizer(optax.adamw(0.1, weight_decay=0.1))
    loss = lora.loss(supervised_loss(NET, domain="target"))
    step = jax.jit(make_step(loss, optimizer, total_steps=steps, trainable=groups.trainable))
    state = TrainState.create(adapted, optimizer, rng=jax.random.key(2))
    for _ in range(steps):
        state, _ = step(state, {"target": {"image": IMAGES, "label": LABELS}})
    return state, groups


def test_the_difference_by_hand():
    """W0 + 6 / 2 · A B, for A = [[1, 0], [0, 1], [1, 1]] and B = [[1, 2], [3, 4]]."""
    down, up = jnp.array([[1.0, 0], [0, 1], [1, 1]]), jnp.array([[1.0, 2], [3, 4]])
    params = {
        "trunk": {"a": {"kernel": jnp.ones((3, 2))}, "b": {"kernel": jnp.ones((1, 1, 3, 2))}},
        "lora": {"trunk": {layer: {"kernel": {"down": down, "up": up}} for layer in "ab"}},
    }
    merged = LORA_SETTINGS.merge_params(params)
    expected = 1 + 3 * np.array([[1, 2], [3, 4], [4, 6]])
    assert merged.keys() == {"trunk"}
    np.testing.assert_allclose(merged["trunk"]["a"]["kernel"], expected)
    np.testing.assert_allclose(merged["trunk"]["b"]["kernel"], expected[None, None])


def test_nothing_changes_at_the_start(variables):
    adapted = LORA_SETTINGS.adapt(variables, key=jax.random.key(1))
    down = adapted["params"]["lora"]["trunk"]["full"]["kernel"]["down"]
    assert 0.5 < down.std() * np.sqrt(24) < 1.5
    jax.tree.map(np.testing.assert_array_equal, LORA_SETTINGS.merge(adapted), dict(variables))


def test_only_what_it_says_moves_and_is_kept(variables, tmp_path):
    state, groups = trained(variables)
    params = state.params
    total = sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))
    assert groups.count(params) == (ADAPTED + IN_HEAD, total - IN_HEAD)
    jax.tree.map(np.testing.assert_array_equal, params["trunk"], variables["params"]["trunk"])
    assert all(np.abs(leaf).max() > 0.01 for leaf in jax.tree.leaves(params["lora"]))
    # Adam's two moments of what moves, and two counters of steps.
    kept = sum(leaf.size for leaf in jax.tree.leaves(state.opt_state))
    assert 2 * (ADAPTED + IN_HEAD) <= kept <= 2 * (ADAPTED + IN_HEAD) + 4

    file = tmp_path / "difference.safetensors"
    assert write_moved(file, params, groups.trainable) == ADAPTED + IN_HEAD
    fresh = LORA_SETTINGS.adapt(variables, key=jax.random.key(7))["params"]
    jax.tree.map(np.testing.assert_array_equal, read_moved(file, fresh), dict(params))
    with pytest.raises(LayerError, match="there already; expected a new file"):
        write_moved(file, params, groups.trainable)


def test_the_merged_net_is_the_adapted_one(variables):
    """Against x W0 + alpha / rank · (x A) B, computed layer by layer."""
    state, _ = trained(variables)
    params = state.params
    merged = LORA_SETTINGS.merge({"params": params})

    def layer(inputs, name):
        thin = params["lora"]["trunk"][name]["kernel"]
        kernel = params["trunk"][name]["kernel"].reshape(inputs.shape[-1], -1)
        outputs = inputs @ kernel + 3 * (inputs @ thin["down"]) @ thin["up"]
        bias = params["trunk"][name].get("bias", jnp.zeros(1))
        return outputs + bias.reshape((1,) * (outputs.ndim - 1) + (-1,))

    hidden = nn.relu(layer(IMAGES, "point")).reshape(4, -1)
    out = params["head"]["out"]
    expected = nn.relu(layer(hidden, "full")) @ out["kernel"] + out["bias"][None]
    np.testing.assert_allclose(NET.apply(merged, IMAGES), expected, rtol=1e-5, atol=1e-5)


def test_vit_tiny_moves_one_in_seventy_of_its_numbers():
    """12 blocks, query and value, A [192, 8] and B [8, 192] each; and a head of ten classes."""
    whole = vit("tiny")
    net = Classifier(whole.clone(stages=whole.stages[:-1]), Head((), outputs=10))
    lora = LoRA("trunk/.*/attention/(query|value)/kernel", rank=8)
    images = jax.ShapeDtypeStruct((1, 224, 224, 3), jnp.float32)
    start = jax.eval_shape(net.init, jax.random.key(0), images)
    params = jax.eval_shape(lambda: lora.adapt(start_of(start), key=jax.random.key(1)))["params"]
    groups = parameter_groups(params, lora.rules())
    moving, frozen = groups.count(params)
    assert moving == 12 * 2 * 8 * (192 + 192) + 192 * 10 + 10
    assert frozen == 5_717_416 - (192 * 1000 + 1000)
    state = jax.eval_shape(groups.optimizer(optax.adamw(1e-3)).init, params)
    assert 2 * moving <= sum(leaf.size for leaf in jax.tree.leaves(state)) <= 2 * moving + 4


@pytest.mark.slow
def test_a_merged_vit_tiny_is_the_adapted_one():
    """Against every query and value with (x A) B added behind it, in the net itself."""
    lora = LoRA("block[0-9]+/attention/(query|value)/kernel", rank=8, alpha=16.0)
    net, images = vit("tiny"), jax.random.normal(jax.random.key(0), (2, 224, 224, 3))
    variables = jax.jit(net.init)(jax.random.key(1), images)
    params = lora.adapt(variables, key=jax.random.key(2))["params"]
    keys = iter(jax.random.split(jax.random.key(3), 24))
    thin = jax.tree.map(
        lambda leaf: leaf if leaf.any() else 0.1 * jax.random.normal(next(keys), leaf.shape),
        params["lora"],
    )

    def with_difference(given, arguments, settings, context):
        outputs = given(*arguments, **settings)
        path = context.module.path
        if path[-1:] not in (("query",), ("value",)):
            return outputs
        own = thin[path[0]]["attention"][path[-1]]["kernel"]
        return outputs + 2 * (arguments[0] @ own["down"]) @ own["up"]

    @jax.jit
    def adapted(images):
        with nn.intercept_methods(with_difference):
            return net.apply(variables, images)

    merged = jax.jit(net.apply)(lora.merge({"params": {**params, "lora": thin}}), images)
    expected, before = adapted(images), jax.jit(net.apply)(variables, images)
    scale = jnp.abs(expected).max()
    assert jnp.abs(expected - before).max() > 0.05 * scale  # the difference matters
    np.testing.assert_allclose(merged, expected, rtol=0, atol=1e-5 * scale)


def start_of(shapes):
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), dict(shapes))


def test_no_gradient_flows_into_the_kernels(variables):
    adapted = LORA_SETTINGS.adapt(variables, key=jax.random.key(1))

    def total(params):
        return jnp.sum(NET.apply({"params": LORA_SETTINGS.merge_params(params)}, IMAGES))

    gradient = jax.grad(total)(adapted["params"])
    assert not np.any(gradient["trunk"]["full"]["kernel"])
    assert np.any(gradient["lora"]["trunk"]["full"]["kernel"]["up"])


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        ("trunk/conv9/.*", "match no parameter; expected kernels"),
        ("trunk/full/.*", r"match trunk/full/bias \[5\]; expected kernels \[in, out\]"),
    ],
)
def test_layers_that_cannot_be_adapted(variables, layers, says):
    with pytest.raises(LayerError, match=says):
        LoRA(layers).adapt(variables, key=jax.random.key(0))


def test_what_does_not_fit_is_refused(variables, tmp_path):
    with pytest.raises(ValueError, match="rank 0 and alpha 1; expected a rank of at least 1"):
        LoRA(".*", rank=0, alpha=1)
    with pytest.raises(LayerError, match="no LoRA difference; expected those of `adapt`"):
        LORA_SETTINGS.merge(variables)
    adapted = LORA_SETTINGS.adapt(variables, key=jax.random.key(0))
    with pytest.raises(LayerError, match="a LoRA difference already"):
        LORA_SETTINGS.adapt(adapted, key=jax.random.key(0))
    params = dict(adapted["params"], trunk={"point": adapted["params"]["trunk"]["point"]})
    with pytest.raises(LayerError, match=r"\[24, 5\] for trunk/full/kernel, where .* has nothing"):
        LORA_SETTINGS.merge_params(params)
    groups = parameter_groups(adapted["params"], LORA_SETTINGS.rules())
    write_moved(tmp_path / "moved", adapted["params"], groups.trainable)
    with pytest.raises(LayerError, match=r"does not fit; .*down \[3, 2\], where .* has nothing"):
        read_moved(tmp_path / "moved", variables["params"])
    (tmp_path / "cut").write_bytes((tmp_path / "moved").read_bytes()[:-1])
    with pytest.raises(LayerError, match="cut cannot be read"):
        read_moved(tmp_path / "cut", adapted["params"])
