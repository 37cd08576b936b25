from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.nets.translation import (
    CodeReader,
    ImageHead,
    ImageWriter,
    TranslationNet,
    _doubled,
    translation_net,
)
from tests import draws
from tests.draws import normal, uniform


def layer(inputs, outputs):
    return inputs * outputs + outputs


@pytest.fixture(scope="module")
def made():
    net = translation_net(size=28, width=4, code=6, norm=False)
    images = uniform(0, (4, 28, 28, 1))
    return net, images, draws.variables(net, images)


def test_parameters_counted_by_hand():
    net = translation_net(classes=7, channels=3, size=32, width=8, code=20)
    shapes = jax.eval_shape(net.init, jax.random.key(0), jnp.zeros((2, 32, 32, 3)))
    sizes = {
        part: sum(leaf.size for leaf in jax.tree.leaves(tree))
        for part, tree in shapes["params"].items()
    }
    writer = layer(9 * 8, 8) + 2 * 8 + layer(9 * 8, 4 * 3)
    head = layer(16 * 3, 8) + layer(16 * 8, 16) + layer(9 * 16, 1)
    assert sizes == {
        # 32 -> 32 -> 16 -> 12 -> 6 pixels a side; batch norm's scale and bias stand for the biases.
        "trunk": 25 * 3 * 8 + 2 * 8 + 25 * 8 * 12 + 2 * 12 + layer(6 * 6 * 12, 20),
        "label_head": layer(20, 100) + layer(100, 7),
        "domain_head": layer(20, 100) + layer(100, 100) + layer(100, 1),
        "code_reader": layer(20, 8 * 8 * 16) + layer(9 * 16, 4 * 8),
        "image_writers_0": writer,
        "image_writers_1": writer,
        "image_heads_0": head,
        "image_heads_1": head,
    }
    assert set(shapes["batch_stats"]["trunk"]) == {"conv1", "conv2"}


def test_images_of_a_domain_are_written_by_its_own_layers(made):
    net, images, variables = made
    codes = net.apply(variables, images, method="features")
    assert codes.shape == (4, 6)
    own = net.apply(variables, codes, domains=(0, 1), method="decode")
    assert own.shape == images.shape
    assert 0 < own.min() < own.max() < 1
    first, second = (
        net.apply(variables, codes, domains=(domain,), method="decode") for domain in (0, 1)
    )
    np.testing.assert_allclose(own, jnp.concatenate([first[:2], second[2:]]), rtol=1e-5)
    across = net.apply(variables, codes, domains=(1, 0), method="decode")
    np.testing.assert_allclose(across, jnp.concatenate([second[:2], first[2:]]), rtol=1e-5)
    assert not np.allclose(own, across)


def test_parts_of_images_are_judged(made):
    net, images, variables = made
    scores = net.apply(variables, images, domains=(1,), method="judge")
    assert scores.shape == (4, 7, 7)
    # Behind 4x4, 4x4 and 3x3 the upper left score sees 22 pixels of the upper left, cut by padding.
    far = images.at[:, 15:, 15:].set(0.0)
    changed = net.apply(variables, far, domains=(1,), method="judge") != scores
    assert not changed[:, 0, 0].any()
    assert changed[:, -1, -1].all()


def test_the_discriminators_convolutions_are_4x4_of_stride_2():
    images = normal(0, (2, 8, 8, 3))
    head = ImageHead((5, 6))
    variables: Any = draws.variables(head, images)
    own = variables["params"]

    def strided(maps, part):
        kernel = part["kernel"]
        # [2, 2, (row, column, channel), out]: the square's four pixels are its channels.
        kernel = kernel.reshape(2, 2, 2, 2, -1, kernel.shape[-1]).transpose(0, 2, 1, 3, 4, 5)
        kernel = kernel.reshape(4, 4, -1, kernel.shape[-1])
        layout = ("NHWC", "HWIO", "NHWC")
        pads = ((1, 1), (1, 1))
        maps = jax.lax.conv_general_dilated(maps, kernel, (2, 2), pads, dimension_numbers=layout)
        return jax.nn.leaky_relu(maps + part["bias"][None, None, None], 0.2)

    maps = strided(strided(images, own["conv1"]), own["conv2"])
    expected = jax.lax.conv_general_dilated(
        maps, own["out"]["kernel"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    scores: Any = head.apply(variables, images)
    np.testing.assert_allclose(scores, expected[..., 0] + own["out"]["bias"][0], atol=1e-5)


def test_four_channels_become_a_square_of_pixels():
    maps = jnp.arange(8.0).reshape(1, 1, 2, 4)
    assert _doubled(maps)[0, :, :, 0].tolist() == [[0, 1, 4, 5], [2, 3, 6, 7]]


def test_it_is_an_adaptation_net(made):
    net, images, variables = made
    assert isinstance(net, TranslationNet)
    logits: Any
    domains: Any
    logits, domains = net.apply(variables, images)
    assert logits.shape == (4, 10)
    assert domains.shape == (4,)
    np.testing.assert_array_equal(net.apply(variables, images, method="predict"), logits)


def test_sides_that_do_not_halve_twice():
    with pytest.raises(ValueError, match="side is 30; expected a multiple of four, such as 28"):
        translation_net(size=30)


def test_a_decoder_of_mostly_black_images_does_not_stay_black():
    reader, writer = CodeReader(side=4, width=8), ImageWriter(width=8, channels=1)
    random = np.random.default_rng(0)
    codes = jnp.asarray(np.maximum(random.normal(2, 2, (32, 64)), 0), jnp.float32)
    images = np.zeros((32, 16, 16, 1), np.float32)
    for image, (row, column) in zip(images, random.integers(0, 12, (32, 2)), strict=True):
        image[row : row + 4, column : column + 4] = 1.0

    def decode(params: Any) -> Any:
        return writer.apply(params[1], reader.apply(params[0], codes))

    first: Any = reader.init(jax.random.key(0), codes)
    params = first, writer.init(jax.random.key(1), reader.apply(first, codes))
    optimizer = optax.adam(4e-3, b1=0.5)
    state = optimizer.init(params)

    @jax.jit
    def step(params, state):
        gradients = jax.grad(lambda params: jnp.abs(decode(params) - images).mean())(params)
        moves, state = optimizer.update(gradients, state)
        return optax.apply_updates(params, moves), state

    for _ in range(300):
        params, state = step(params, state)
    # Wholly black images would be off by images.mean(), 1 / 16.
    assert jnp.abs(decode(params) - images).mean() < 0.5 * images.mean()


def test_a_bias_that_all_maps_share_is_taken_out_again():
    writer, maps = (
        ImageWriter(width=4, channels=1),
        normal(0, (2, 8, 8, 4)),
    )
    variables: Any = draws.variables(writer, maps)
    biased = jax.tree.map(lambda leaf: leaf, variables)
    biased["params"]["conv1"]["bias"] += 1e4
    np.testing.assert_allclose(writer.apply(biased, maps), writer.apply(variables, maps), atol=2e-3)
