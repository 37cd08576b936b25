from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.nets.fcn import FCN
from jtransfer.nets.parts.trunk import ConvStage, Trunk
from jtransfer.train.compilation import compile_step, data_mesh, replicate
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.dense_prediction.class_weights import class_weights
from jtransfer.transfer.dense_prediction.pixel_loss import (
    from_coarser,
    pixel_cross_entropy,
    pixel_loss,
)

IGNORED = 3


def net(*scored):
    stage = partial(ConvStage, 2, 3, padding="SAME", pool=(2, 2))
    return FCN(Trunk((("conv1", stage), ("conv2", stage))), 3, scored, stride=4)


def batch(seed=0):
    random = np.random.default_rng(seed)
    masks = random.integers(0, 4, (4, 8, 8)).astype(np.uint8)
    return {"target": {"image": random.normal(size=(4, 8, 8, 3)).astype(np.float32), "mask": masks}}


def test_the_loss_by_hand():
    scores = jnp.log(jnp.array([[[[0.5, 0.25, 0.25], [0.2, 0.2, 0.6]]]]))
    masks = jnp.array([[[0, 1]]], jnp.uint8)
    found = pixel_cross_entropy(scores, masks)
    total, count = found["label_loss"]
    np.testing.assert_allclose([total, count], [-np.log(0.5) - np.log(0.2), 2], rtol=1e-6)
    np.testing.assert_allclose(found["label_accuracy"], [1, 2])
    total, count = pixel_cross_entropy(scores, masks, weights=(2.0, 3.0, 9.0))["label_loss"]
    np.testing.assert_allclose([total, count], [-2 * np.log(0.5) - 3 * np.log(0.2), 5], rtol=1e-6)
    found = pixel_cross_entropy(scores, masks, ignored=1)
    np.testing.assert_allclose(found["label_loss"], [-np.log(0.5), 1], rtol=1e-6)
    np.testing.assert_allclose(found["label_accuracy"], [1, 1])


def test_a_number_that_is_no_class_is_seen():
    scores, masks = jnp.zeros((1, 1, 2, 3)), jnp.array([[[0, 7]]])
    assert np.isnan(pixel_cross_entropy(scores, masks)["label_loss"][0])
    assert np.isfinite(pixel_cross_entropy(scores, masks, ignored=7)["label_loss"][0])


def test_what_is_ignored_changes_no_gradient():
    whole, given = net("conv2"), batch()
    variables = whole.init(jax.random.key(0), given["target"]["image"])
    loss = pixel_loss(whole, ignored=IGNORED, weights=(1.0, 2.0, 0.5))

    @jax.jit
    def gradient(scores_at_ignored, params):
        def judged(params):
            scores = whole.apply({"params": params}, given["target"]["image"])
            there = (given["target"]["mask"] == IGNORED)[..., None]
            scores = jnp.where(there, scores * scores_at_ignored, scores)
            masks = given["target"]["mask"]
            total, count = pixel_cross_entropy(scores, masks, ignored=IGNORED)["label_loss"]
            return total / count

        return jax.grad(judged)(params)

    plain, poisoned = (gradient(factor, variables["params"]) for factor in (1.0, 1e6))
    jax.tree.map(np.testing.assert_array_equal, plain, poisoned)
    assert all(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(plain))
    value, _ = loss(variables["params"], {}, given, jax.random.key(0), jnp.array(0.0))
    assert np.isfinite(value)


@pytest.mark.parametrize("devices", [2, 4])
def test_a_step_over_devices_is_the_step_of_one(devices):
    whole, given = net("conv2", "conv1"), batch()
    variables = whole.init(jax.random.key(0), given["target"]["image"])
    step = make_step(
        pixel_loss(whole, ignored=IGNORED, weights=(1.0, 2.0, 0.5)), optax.sgd(0.1), total_steps=1
    )

    def taken(mesh):
        state = TrainState.create(variables, optax.sgd(0.1), rng=jax.random.key(1))
        compiled = compile_step(step, lambda _, inputs: inputs, mesh=mesh)
        return compiled(replicate(state, mesh), (), given)[0].params

    one, several = taken(data_mesh(jax.devices()[:1])), taken(data_mesh(jax.devices()[:devices]))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=1e-6), one, several)


def test_a_finer_net_begins_with_what_the_coarser_one_learned():
    coarse, fine, images = net("conv2"), net("conv2", "conv1"), batch()["target"]["image"]
    learned = coarse.init(jax.random.key(0), images)
    begun = from_coarser(fine.init(jax.random.key(1), images), learned)
    np.testing.assert_array_equal(
        begun["params"]["score_conv2"]["kernel"], learned["params"]["score_conv2"]["kernel"]
    )
    assert not begun["params"]["score_conv1"]["kernel"].any()


def test_weights_by_hand():
    masks = np.array([[[0, 0], [0, 1]], [[0, 0], [3, 3]]])
    assert class_weights(masks, 3, "none", ignored=3).tolist() == [1, 1, 0]
    # 5 and 1 of 6 pixels: 6/5 and 6, of mean 3.6.
    np.testing.assert_allclose(
        class_weights(masks, 3, "inverse", ignored=3), [1.2 / 3.6, 6 / 3.6, 0], rtol=1e-6
    )
    # Class 0 has 5 of the 6 pixels of both images, class 1 has 1 of the 4 of the first.
    middle = (5 / 6 + 1 / 4) / 2
    np.testing.assert_allclose(
        class_weights(masks, 3, "median", ignored=3), [middle / (5 / 6), middle * 4, 0], rtol=1e-6
    )


def test_masks_that_hold_no_class():
    with pytest.raises(ValueError, match="mask 0 holds 0 to 7; expected classes 0 to 2"):
        class_weights(np.array([[[0, 7]]]), 3, "none")
    with pytest.raises(ValueError, match="no pixel of the masks has a class"):
        class_weights(np.array([[[3]]]), 3, "median", ignored=3)
