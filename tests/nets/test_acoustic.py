import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.data.mel import FrontEnd
from jtransfer.nets.acoustic import Amplitude, FrameStage, InputTransform, PoolStage, acoustic_net


@pytest.fixture(scope="module")
def case():
    net = acoustic_net(classes=3, units=(4, 5, 6, 7))
    random = np.random.default_rng(0)
    frames = jnp.asarray(random.normal(size=(2, 21, 8)), jnp.float32)
    mask = jnp.arange(21)[None] < jnp.array([[21], [10]])
    return net, net.init(jax.random.key(0), (frames, mask)), frames, mask


def test_stages_have_names_and_parameters(case):
    net, variables, _, _ = case
    assert net.trunk.stage_names == ("input", "conv1", "conv2", "conv3", "fc4")
    assert {stage: sorted(own) for stage, own in variables["params"]["trunk"].items()} == {
        "input": ["bias", "kernel"],
        **{stage: ["Dense_0", "amplitude"] for stage in ("conv1", "conv2", "conv3", "fc4")},
    }


def test_masked_frames_change_nothing(case):
    net, variables, frames, mask = case
    logits = net.apply(variables, (frames, mask))
    dirty = jnp.where(mask[..., None], frames, 1e6)
    np.testing.assert_array_equal(net.apply(variables, (dirty, mask)), logits)
    longer = jnp.pad(dirty, ((0, 0), (0, 13), (0, 0)), constant_values=-5)
    more = jnp.pad(mask, ((0, 0), (0, 13)))
    np.testing.assert_allclose(net.apply(variables, (longer, more)), logits, atol=1e-6)
    alone = net.apply(variables, (frames[1:, :10], mask[1:, :10]))
    np.testing.assert_allclose(alone, logits[1:], atol=1e-6)


@pytest.mark.parametrize("junk", [np.nan, np.inf])
def test_what_is_no_number_behind_an_utterance_has_no_gradient(case, junk):
    net, variables, frames, mask = case

    def gradients(frames):
        def total(params):
            logits = net.apply({"params": params}, (frames, mask))
            return jnp.square(logits).sum()

        return jax.grad(total)(variables["params"])

    dirty = jnp.where(mask[..., None], frames, junk)
    jax.tree.map(np.testing.assert_array_equal, gradients(dirty), gradients(frames))


def test_a_stage_is_a_convolution_over_frames():
    frames = jnp.asarray(np.random.default_rng(1).normal(size=(1, 7, 3)), jnp.float32)
    mask = jnp.ones((1, 7), bool)
    for width, stride in ((5, 2), (3, 1)):
        stage = FrameStage(4, width, stride)
        variables = stage.init(jax.random.key(0), (frames, mask))
        units, left = stage.apply(variables, (frames, mask))
        kernel = variables["params"]["Dense_0"]["kernel"].reshape(width, 3, 4)
        expected = jax.lax.conv_general_dilated(
            frames, kernel, (stride,), [(width // 2, width // 2)],
            dimension_numbers=("NWC", "WIO", "NWC"),
        )  # fmt: skip
        np.testing.assert_allclose(units, jax.nn.relu(expected), atol=1e-5)
        assert left.shape == units.shape[:2]


def test_pooling_is_by_mean_and_maximum_within_the_mask():
    frames = jnp.array([[[1.0], [3.0], [100.0]]])
    stage = PoolStage(2)
    params = {
        "Dense_0": {"kernel": jnp.eye(2), "bias": jnp.zeros(2)},
        "amplitude": {"r": jnp.zeros(2)},
    }
    pooled = stage.apply({"params": params}, (frames, jnp.array([[True, True, False]])))
    np.testing.assert_allclose(pooled, [[2, 3]])


def test_amplitudes_and_the_input_transform_start_as_nothing():
    units = jnp.array([[1.0, 2.0]])
    amplitude = Amplitude()
    np.testing.assert_array_equal(
        amplitude.apply(amplitude.init(jax.random.key(0), units), units), units
    )
    r = jnp.array([np.log(3.0), 0.0])  # 2 sigmoid(log 3) = 1.5
    np.testing.assert_allclose(amplitude.apply({"params": {"r": r}}, units), [[1.5, 2]])
    frames = (units[None], jnp.ones((1, 1), bool))
    transform = InputTransform()
    moved, _ = transform.apply(transform.init(jax.random.key(0), frames), frames)
    np.testing.assert_array_equal(moved, units[None])


def test_conv3_sees_21_frames():
    """5, then 4 more by 2 frames, then 2 more by 4: with all weights positive every one counts."""
    net = acoustic_net(classes=2, units=(2, 2, 2, 2), dropout=0.0)
    frames, mask = jnp.ones((1, 60, 2)), jnp.ones((1, 60), bool)
    made = net.init(jax.random.key(0), (frames, mask))["params"]["trunk"]
    params = jax.tree.map(lambda leaf: jnp.abs(leaf) + 0.1, made)

    def seen(frames):
        units, _ = net.trunk.apply({"params": params}, (frames, mask), until="conv3")
        return units[0, 7].sum()

    places = np.flatnonzero(jax.grad(seen)(frames)[0].any(axis=1))
    np.testing.assert_array_equal(places, 4 * 7 + np.arange(-10, 11))
    front_end = FrontEnd(8000)
    assert 20 * front_end.hop + front_end.window == pytest.approx(0.225)
