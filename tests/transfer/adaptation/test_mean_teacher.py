import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.train.compilation import compile_step
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.adaptation.dann import dann_loss
from jtransfer.transfer.adaptation.mean_teacher import (
    _sharpened,
    half_cosine_ramp,
    mean_teacher_loss,
    teacher_variables,
    with_teacher,
)
from tests.transfer import tiny
from tests.transfer.game import Game, params, sigmoid, weights

A, C, D = 0.5, 1.5, 0.7  # the net's numbers: features a x, class logit c f, domain logit d f
TEACHER = {"trunk": 2.0, "label_head": 0.8, "domain_head": 0.0}
S, T = np.array([2.0, -1.0]), np.array([3.0, 0.5])  # the game's images
LABELS = np.array([1, 0])
KEY = jax.random.key(0)


def unchanged(key, images):
    return images


def game():
    own = params(trunk=A, label_head=C, domain_head=D)
    stats = {"teacher": with_teacher({"params": params(**TEACHER)}, classes=2)["teacher"]}
    batch = {
        "source": {"image": jnp.array(S)[:, None], "label": jnp.array(LABELS)},
        "target": {"image": jnp.array(T)[:, None]},
    }
    return own, stats, batch


def loss_and_gradient(loss, own, stats, batch, progress=1.0):
    (value, aux), gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))(
        own, stats, batch, KEY, jnp.float32(progress)
    )
    return value, weights(gradient), aux


def label_gradients():
    """Of the source's mean loss: softplus(-z) for label 1, softplus(z) for 0, z = c a x."""
    slope = sigmoid(C * A * S) - LABELS
    return np.mean(slope * C * S), np.mean(slope * A * S)


def guess():
    return sigmoid(TEACHER["label_head"] * TEACHER["trunk"] * T)


def test_gradients_of_net_and_teacher_by_hand():
    """The net is drawn from its own guess to the teacher's, which is a constant."""
    own, stats, batch = game()
    # decay=1 keeps frequencies even, so that the guess stays what it is.
    loss = mean_teacher_loss(
        Game(), augment=unchanged, decay=1.0, threshold=0.0, temperature=1.0, reversal=None
    )
    value, got, _ = loss_and_gradient(loss, own, stats, batch)
    slope = sigmoid(C * A * T) - guess()
    of_a, of_c = label_gradients()
    np.testing.assert_allclose(got["trunk"], of_a + np.mean(slope * C * T), rtol=1e-4)
    np.testing.assert_allclose(got["label_head"], of_c + np.mean(slope * A * T), rtol=1e-4)
    assert got["domain_head"] == 0
    log = np.log
    entropies = -(guess() * log(sigmoid(C * A * T)) + (1 - guess()) * log(sigmoid(-C * A * T)))
    right = np.where(LABELS == 1, sigmoid(C * A * S), sigmoid(-C * A * S))
    np.testing.assert_allclose(value, np.mean(-log(right)) + np.mean(entropies), rtol=1e-5)

    def of_teacher(variables):
        stats["teacher"]["variables"] = variables
        return loss(own, stats, batch, KEY, jnp.asarray(1.0))[0]

    to_teacher = jax.jit(jax.grad(of_teacher))(teacher_variables(stats))
    assert set(weights(to_teacher["params"]).values()) == {0.0}


def test_gradients_of_the_domain_players_by_hand():
    """The domain head descends its loss at full rate, the trunk ascends it lambda times as fast."""
    own, stats, batch = game()
    losses = [
        mean_teacher_loss(Game(), augment=unchanged, reversal=reversal)
        for reversal in (None, lambda progress: 0.5 * progress)
    ]
    (_, alone, _), (_, both, _) = (
        loss_and_gradient(loss, own, stats, batch, progress=0.4) for loss in losses
    )
    x, domain = np.concatenate([S, T]), np.array([0, 0, 1, 1])
    slope = sigmoid(D * A * x) - domain
    np.testing.assert_allclose(both["domain_head"], np.mean(slope * A * x), rtol=1e-4)
    np.testing.assert_allclose(
        both["trunk"] - alone["trunk"], -0.2 * np.mean(slope * D * x), rtol=1e-3
    )
    assert both["label_head"] == alone["label_head"]


def test_without_the_guesses_it_is_dann():
    net, batch = tiny.net(norm=True), tiny.batch()
    own, stats = tiny.variables(net)
    taught = with_teacher({"params": own, **stats}, classes=3)
    taught.pop("params")
    loss = mean_teacher_loss(net, augment=unchanged, weight=lambda progress: 0.0 * progress)

    @jax.jit
    def gradients(own):
        return (
            tiny.gradient(loss, own, taught, batch, progress=0.7),
            tiny.gradient(dann_loss(net), own, stats, batch, progress=0.7),
        )

    ours, danns = gradients(own)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), ours, danns)


@pytest.mark.parametrize("align", [0.0, 0.25, 1.0])
def test_guesses_are_aligned_to_the_sources_labels_and_counted_by_hand(align):
    own, stats, batch = game()
    # decay=0: the frequencies are those of this batch.
    loss = mean_teacher_loss(
        Game(), augment=unchanged, decay=0.0, threshold=0.97, align=align, reversal=None
    )
    _, _, (new_stats, metrics) = loss_and_gradient(loss, own, stats, batch)
    rows = np.stack([1 - guess(), guess()], axis=1)
    aligned = rows * (0.5 / rows.mean(axis=0)) ** align
    aligned = aligned**2  # a temperature of 1/2
    aligned /= aligned.sum(axis=1, keepdims=True)
    known = sigmoid(TEACHER["label_head"] * TEACHER["trunk"] * np.abs(S))
    counts = aligned.max(axis=1) > 0.97 * known.mean()
    assert list(counts) == [True, False]
    logs = np.log(np.stack([sigmoid(-C * A * T), sigmoid(C * A * T)], axis=1))
    assert metrics["confident"] == (float(counts.sum()), 2.0)
    np.testing.assert_allclose(
        metrics["guess_loss"][0], -(aligned * logs).sum(axis=1)[counts].sum(), rtol=1e-4
    )
    np.testing.assert_allclose(new_stats["teacher"]["labels"], [0.5, 0.5])
    np.testing.assert_allclose(new_stats["teacher"]["guesses"], rows.mean(axis=0), rtol=1e-5)


def test_the_teacher_is_the_nets_average():
    own, stats, batch = game()
    loss = mean_teacher_loss(Game(), augment=unchanged, decay=0.9)
    _, (new_stats, _) = jax.jit(loss)(own, stats, batch, KEY, jnp.float32(0.5))
    moved = weights(teacher_variables(new_stats)["params"])
    expected = {"trunk": 1.8 + 0.05, "label_head": 0.72 + 0.15, "domain_head": 0.07}
    np.testing.assert_allclose(list(moved.values()), [expected[name] for name in moved], rtol=1e-5)
    teacher = new_stats["teacher"]
    np.testing.assert_allclose(teacher["labels"], [0.5, 0.5])
    np.testing.assert_allclose(teacher["guesses"][1], 0.45 + 0.1 * guess().mean(), rtol=1e-5)


def test_the_net_sees_augmented_images_and_the_teacher_plain_ones():
    own, stats, batch = game()

    def black(key, images):
        return 0 * images

    loss = mean_teacher_loss(
        Game(), augment=black, decay=1.0, threshold=0.0, temperature=1.0, reversal=None
    )
    value, _ = jax.jit(loss)(own, stats, batch, KEY, jnp.float32(1.0))
    np.testing.assert_allclose(value, 2 * np.log(2), rtol=1e-5)  # the net can but guess
    guesses = []
    for augment in (unchanged, black):
        loss = mean_teacher_loss(Game(), augment=augment, decay=0.0)
        _, (new_stats, _) = jax.jit(loss)(own, stats, batch, KEY, jnp.float32(1.0))
        guesses.append(new_stats["teacher"]["guesses"])
    np.testing.assert_array_equal(*guesses)


def test_steps_keep_the_states_form_and_the_labels_of_the_target_change_nothing():
    net, batch = tiny.net(norm=True), tiny.batch()
    own, stats = tiny.variables(net)
    optimizer = optax.adam(1e-2)

    def noisy(key, images):
        return images + 0.1 * jax.random.normal(key, (images.size,)).reshape(images.shape)

    step = compile_step(
        make_step(mean_teacher_loss(net, augment=noisy), optimizer, total_steps=3),
        lambda constants, inputs: inputs,
    )
    states = []
    for label in (0, -99):
        told = {**batch, "target": {**batch["target"], "label": jnp.full(4, label)}}
        taught = with_teacher({"params": own, **stats}, classes=3)
        state = TrainState.create(taught, optimizer, rng=jax.random.key(0))
        for _ in range(3):
            state, metrics = step(state, {}, told)
        states.append(state.replace(rng=jax.random.key_data(state.rng)))
    jax.tree.map(np.testing.assert_array_equal, *states)
    assert np.isfinite(metrics["loss"][0])


def test_the_teachers_statistics_are_of_the_plain_images():
    net, batch = tiny.net(norm=True), tiny.batch()
    own, stats = tiny.variables(net)
    taught = with_teacher({"params": own, **stats}, classes=3)
    taught.pop("params")

    def brighter(key, images):
        return images + 5.0

    def means(augment):
        loss = mean_teacher_loss(net, augment=augment)
        _, (new_stats, _) = jax.jit(loss)(own, taught, batch, KEY, jnp.asarray(0.5))
        return [
            each["batch_stats"]["trunk"]["conv1"]["norm"]["mean"]
            for each in (new_stats, teacher_variables(new_stats))
        ]

    (plain, of_teacher), (changed, of_teacher_too) = means(unchanged), means(brighter)
    np.testing.assert_array_equal(of_teacher, of_teacher_too)
    np.testing.assert_allclose(of_teacher, plain, rtol=1e-5)
    assert not np.allclose(changed, plain)
    assert not np.allclose(of_teacher[0], of_teacher[1])  # a mean for each domain


@pytest.mark.parametrize(
    ("progress", "expected"), [(0.0, 0.0), (0.25, 0.5), (0.5, 1.0), (1.0, 1.0)]
)
def test_the_ramp_by_hand(progress, expected):
    np.testing.assert_allclose(half_cosine_ramp(jnp.asarray(progress)), expected, atol=1e-6)


def test_what_cannot_be_taught():
    own, stats, batch = game()
    with pytest.raises(ValueError, match="decay is 99; expected a number from 0"):
        mean_teacher_loss(Game(), augment=unchanged, decay=99)
    with pytest.raises(
        ValueError, match=r"collections \['batch_stats'\]; make the state from with"
    ):
        teacher_variables({"batch_stats": {}})
    loss = mean_teacher_loss(Game(), augment=unchanged)
    uneven = {**batch, "target": {"image": jnp.ones((3, 1))}}
    with pytest.raises(ValueError, match=r"\(2, 1\).*\(3, 1\) differ in shape"):
        loss(own, stats, uneven, KEY, jnp.asarray(0.0))


@pytest.mark.parametrize("temperature", [0.5, 0.02, 1e-6])
def test_sharpening_at_small_temperatures(temperature):
    """(1/43)^50 is below float32's smallest number; two equal guesses stay halves."""
    even = jnp.full((1, 43), 1 / 43)
    np.testing.assert_allclose(_sharpened(even, temperature), even, rtol=1e-5)
    two = jnp.array([[0.4, 0.4, 0.2]])
    rest = 0.5 ** (1 / temperature)
    expected = np.array([[1, 1, rest]]) / (2 + rest)
    np.testing.assert_allclose(_sharpened(two, temperature), expected, rtol=1e-5)
