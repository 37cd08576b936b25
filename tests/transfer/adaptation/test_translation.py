from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.nets.ganin import AdaptationNet
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk
from jtransfer.nets.translation import CodeReader, ImageHead, ImageWriter, TranslationNet
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.adaptation.adda import adda_loss, untie_encoders
from jtransfer.transfer.adaptation.dann import dann_loss
from jtransfer.transfer.adaptation.translation import (
    TranslationWeights,
    _image_game,
    _l1,
    translation_loss,
)
from jtransfer.transfer.supervised import cross_entropy
from tests import draws
from tests.draws import integers, uniform
from tests.transfer import tiny
from tests.transfer.game import params, sigmoid, weights
from tests.transfer.translation_game import TranslationGame

NONE = dict.fromkeys(vars(TranslationWeights()), 0.0)
HALF = {"ramp": lambda progress: jnp.asarray(0.5)}
WRITERS, JUDGES = ("image_writers_0", "image_writers_1"), ("image_heads_0", "image_heads_1")


def always(progress):
    return jnp.ones(())


def only(**given):
    return TranslationWeights(**{**NONE, **given})


# The game's numbers: one image s of the source and t of the target, and each part's weight.
S, T = 2.0, 3.0
A, C, D, W0, W1, U0, U1 = 0.5, 1.5, 0.7, 0.4, 0.8, 0.3, -0.6
BATCH = {
    "source": {"image": jnp.array([[S]]), "label": jnp.array([1])},
    "target": {"image": jnp.array([[T]]), "label": jnp.array([-99])},  # poison
}


def played(loss_weights, **options):
    """Value and gradients of the game."""
    both = dict(zip((*WRITERS, *JUDGES), (W0, W1, U0, U1), strict=True))
    own = params(trunk=A, label_head=C, domain_head=D, **both)
    loss = translation_loss(TranslationGame(), weights=loss_weights, **options)
    value_and_gradients = jax.value_and_grad(
        lambda p: loss(p, {}, BATCH, jax.random.key(0), jnp.asarray(0.5))[0]
    )
    value, gradients = jax.jit(value_and_gradients)(own)
    return value, weights(gradients)


def assert_gradients(got, **expected):
    """Those expected, and 0 for every other part."""
    np.testing.assert_allclose(
        list(got.values()), [expected.get(part, 0.0) for part in got], rtol=1e-5, atol=1e-7
    )


def test_the_game_over_images_by_hand():
    """The source in the target's domain is y = w1 a s, the target in the source's x = w0 a t.

    The discriminators' loss ((u0 s - 1)^2 + (u1 t - 1)^2 + (u0 x)^2 + (u1 y)^2) / 4 falls by their
    own numbers alone, the translators' ((u0 x - 1)^2 + (u1 y - 1)^2) / 2 by those of encoder and
    decoders alone.
    """
    value, got = played(only(image=0.3), **HALF)
    x, y = W0 * A * T, W1 * A * S
    discriminators = ((U0 * S - 1) ** 2 + (U1 * T - 1) ** 2 + (U0 * x) ** 2 + (U1 * y) ** 2) / 4
    translators = ((U0 * x - 1) ** 2 + (U1 * y - 1) ** 2) / 2
    np.testing.assert_allclose(value, discriminators + 0.15 * translators, rtol=1e-6)
    slope_x, slope_y = (U0 * x - 1) * U0, (U1 * y - 1) * U1
    assert_gradients(
        got,
        image_heads_0=((U0 * S - 1) * S + U0 * x * x) / 2,
        image_heads_1=((U1 * T - 1) * T + U1 * y * y) / 2,
        image_writers_0=0.15 * slope_x * A * T,
        image_writers_1=0.15 * slope_y * A * S,
        trunk=0.15 * (slope_x * W0 * T + slope_y * W1 * S),
    )
    # A higher score is a more real image: descent moves each translated one to where it is higher.
    assert np.sign(got["image_writers_0"]) == -np.sign(U0)
    assert np.sign(got["image_writers_1"]) == -np.sign(U1)


def test_identity_and_cycle_by_hand():
    """Written again, s is w0 a s and t is w1 a t; translated and back both shrink by w0 w1 a^2."""
    value, got = played(only(identity=0.3, cycle=0.7))
    identity = ((1 - W0 * A) * S + (1 - W1 * A) * T) / 2
    cycle = (1 - W0 * W1 * A**2) * (S + T) / 2
    np.testing.assert_allclose(value, 0.3 * identity + 0.7 * cycle, rtol=1e-6)
    round_trip = 0.7 * (S + T) / 2
    assert_gradients(
        got,
        image_writers_0=-0.3 * A * S / 2 - round_trip * W1 * A**2,
        image_writers_1=-0.3 * A * T / 2 - round_trip * W0 * A**2,
        trunk=-0.3 * (W0 * S + W1 * T) / 2 - round_trip * 2 * A * W0 * W1,
    )


def test_classification_of_codes_and_of_translated_images_by_hand():
    """Both are softplus(-c f), with f = a s and with f = a y = a^2 w1 s, without the target."""
    value, got = played(only(classification=2.0, translated_classification=3.0))
    softplus = jax.nn.softplus
    np.testing.assert_allclose(
        value, 2 * softplus(-C * A * S) + 3 * softplus(-C * A**2 * W1 * S), rtol=1e-6
    )
    slope, again = -2 * sigmoid(-C * A * S), -3 * sigmoid(-C * A**2 * W1 * S)
    assert_gradients(
        got,
        label_head=slope * A * S + again * A**2 * W1 * S,
        trunk=slope * C * S + again * C * 2 * A * W1 * S,
        image_writers_1=again * C * A**2 * S,
    )


def test_the_game_over_codes_by_hand():
    """The discriminator's loss is (softplus(d a s) + softplus(-d a t)) / 2 in both forms.

    Inverted, the encoder's is softplus(d a t), of the target alone; reversed, the discriminator's.
    """
    of_source, of_target = sigmoid(D * A * S) / 2, -sigmoid(-D * A * T) / 2
    head = of_source * A * S + of_target * A * T
    _, got = played(only(latent=0.3), **HALF)
    assert_gradients(got, domain_head=head, trunk=0.15 * sigmoid(D * A * T) * D * T)
    _, got = played(only(latent=0.3), code_game="reversed", **HALF)
    assert_gradients(got, domain_head=head, trunk=-0.15 * (of_source * D * S + of_target * D * T))


def tiny_net(*, norm=False, dropout=0.0):
    """A translation net for images of 8x8x2 and three classes."""
    stage = partial(ConvStage, 4, 3, "SAME", pool=(2, 2), norm=norm, dropout=dropout)
    return TranslationNet(
        Trunk((("conv1", stage),)),
        Head((8,), 3),
        Head((8,), 1),
        code_reader=CodeReader(2, 3),
        image_writers=(ImageWriter(3, 2), ImageWriter(3, 2)),
        image_heads=(ImageHead((3, 4)), ImageHead((3, 4))),
    )


def tiny_problem(*, norm):
    """A net, its parameters and statistics, and a batch."""
    net = tiny_net(norm=norm)
    batch = {
        "source": {
            "image": uniform(0, (4, 8, 8, 2)),
            "label": integers(1, (4,), 3),
        },
        "target": {"image": uniform(2, (4, 8, 8, 2)) ** 2},
    }
    made = draws.variables(net, batch["source"]["image"])
    return net, made["params"], {name: made[name] for name in made if name != "params"}, batch


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "normed"])
def problem(request):
    return tiny_problem(norm=request.param)


def compared(loss, params, stats, batch, progress=0.1):
    """Value, gradients and new statistics of a loss."""

    def evaluate(params):
        value, (new_stats, _) = loss(params, stats, batch, jax.random.key(2), progress)
        return value, new_stats

    (value, new_stats), gradients = jax.jit(jax.value_and_grad(evaluate, has_aux=True))(params)
    return {"value": value, "gradients": gradients, "stats": new_stats}


@pytest.fixture(scope="module")
def dann(problem):
    """What DANN makes of the problem."""
    net, own, stats, batch = problem
    return compared(dann_loss(net), own, stats, batch)


def assert_close(ours, theirs):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), ours, theirs)


def untouched(gradients):
    """The parts that no gradient reaches."""
    return {part for part in gradients if not any(map(np.any, jax.tree.leaves(gradients[part])))}


def test_without_decoders_it_is_dann(problem, dann):
    net, own, stats, batch = problem
    loss = translation_loss(net, weights=only(classification=1.0, latent=1.0), code_game="reversed")
    assert_close(compared(loss, own, stats, batch), dann)


def test_with_the_latent_game_alone_it_is_adda():
    """Without batch norm: ADDA's source encoder is fixed and normalises as at test time."""
    net, own, stats, batch = tiny_problem(norm=False)
    adda = compared(adda_loss(net), untie_encoders({"params": own})["params"], stats, batch)
    loss = translation_loss(net, weights=only(latent=1.0), ramp=always)
    ours = compared(loss, own, stats, batch, progress=0.1)
    np.testing.assert_allclose(ours["value"], adda["value"], rtol=1e-5)
    assert_close(ours["gradients"]["trunk"], adda["gradients"]["target_trunk"])
    assert_close(ours["gradients"]["domain_head"], adda["gradients"]["domain_head"])
    assert untouched(ours["gradients"]) == {"label_head", "code_reader", *WRITERS, *JUDGES}


def test_with_image_game_and_cycle_alone_it_is_cyclegan(problem):
    """Generators G: source to target and F: back, written with CycleGAN's own names and losses."""
    net, own, stats, batch = problem
    source, target = batch["source"]["image"], batch["target"]["image"]

    def generate(params, images, domain):
        """Images of the two domains in `domain` order to the other domain each."""
        variables = {"params": params, **stats}
        codes, _ = net.apply(
            variables, images, train=True, domains=domain, method="features", mutable=list(stats)
        )
        return net.apply({"params": params}, codes, domains=domain[::-1], method="decode")

    def judge(params, images, domain):
        return net.apply({"params": params}, images, domains=(domain,), method="judge")

    def cyclegan(params, others):
        """Half the sum over both directions of the published losses, .3 of the generators'."""
        G_x, F_y = jnp.split(generate(params, jnp.concatenate([source, target]), (0, 1)), 2)
        back, forth = jnp.split(generate(params, jnp.concatenate([G_x, F_y]), (1, 0)), 2)
        generators = jnp.square(judge(others, G_x, 1) - 1).mean()
        generators += jnp.square(judge(others, F_y, 0) - 1).mean()
        cycle = jnp.abs(back - source).mean() + jnp.abs(forth - target).mean()
        return 0.3 * generators / 2 + 0.7 * cycle / 2

    def discriminators(params, fakes):
        real = jnp.square(judge(params, source, 0) - 1) + jnp.square(judge(params, target, 1) - 1)
        fake = jnp.square(judge(params, fakes[1], 0)) + jnp.square(judge(params, fakes[0], 1))
        return (real + fake).mean() / 4

    loss = translation_loss(net, weights=only(image=0.3, cycle=0.7), ramp=always)
    ours = compared(loss, own, stats, batch)
    made = jax.jit(generate, static_argnums=2)(own, jnp.concatenate([source, target]), (0, 1))
    fakes = jnp.split(made, 2)
    value, of_generators = jax.jit(jax.value_and_grad(cyclegan))(own, own)
    other_value, of_discriminators = jax.jit(jax.value_and_grad(discriminators))(own, fakes)
    np.testing.assert_allclose(ours["value"], value + other_value, rtol=1e-5)
    assert_close(ours["gradients"], jax.tree.map(jnp.add, of_generators, of_discriminators))
    assert untouched(ours["gradients"]) == {"label_head", "domain_head"}


def test_a_step_moves_every_part(problem, dann):
    net, own, stats, batch = problem
    loss = translation_loss(net, weights=TranslationWeights(translated_classification=0.1))
    optimizer = optax.adam(1e-3, b1=0.5)
    state = TrainState.create({"params": own, **stats}, optimizer, rng=jax.random.key(0))
    state = state.replace(step=jnp.asarray(1))  # at progress 0 nobody plays
    after, metrics = jax.jit(make_step(loss, optimizer, total_steps=2))(state, batch)
    assert jax.tree.structure(after) == jax.tree.structure(state)
    change = jax.tree.map(lambda new, old: new - old, after.params, own)
    assert untouched(change) == set()
    mean = {name: float(total / count) for name, (total, count) in metrics.items()}
    ramp = 2 / (1 + np.exp(-5)) - 1
    expected = mean["label_loss"] + mean["domain_loss"] + mean["image_loss"]
    expected += 0.1 * mean["identity_loss"] + 0.05 * mean["cycle_loss"]
    expected += ramp * (0.2 * mean["encoder_loss"] + 0.02 * mean["translator_loss"])
    expected += 0.1 * mean["translated_label_loss"]
    np.testing.assert_allclose(mean["loss"], expected, rtol=1e-5)
    assert metrics["domain_accuracy"][1] == metrics["cycle_loss"][1] == 8
    assert metrics["encoder_loss"][1] == metrics["translated_label_accuracy"][1] == 4
    # Statistics are those of real images, as without translation.
    assert_close(after.stats, dann["stats"])


def test_translated_images_keep_the_sources_label(problem):
    net, own, stats, batch = problem
    loss = translation_loss(net, weights=only(translated_classification=1.0))

    @jax.jit
    def expected(params):
        variables = {"params": params, **stats}
        images = jnp.concatenate([batch[domain]["image"] for domain in ("source", "target")])
        how = {"train": True, "method": "features", "mutable": ["batch_stats"]}
        codes, _ = net.apply(variables, images, domains=(0, 1), **how)
        translated = net.apply(variables, codes, domains=(1, 0), method="decode")
        codes, _ = net.apply(variables, translated, domains=(1, 0), **how)
        logits = net.apply(variables, codes[:4], method="classify")
        total, count = cross_entropy(logits, batch["source"]["label"])["label_loss"]
        return total / count

    value = compared(loss, own, stats, batch)["value"]
    np.testing.assert_allclose(value, expected(own), rtol=1e-5)


def test_terms_of_weight_0_are_not_computed():
    """Nets without decoders, discriminators or labels are enough where these are not needed."""
    net = tiny.net()
    own, stats = tiny.variables(net)
    dann = translation_loss(net, weights=only(classification=1.0, latent=1.0))
    assert isinstance(net, AdaptationNet)
    assert not hasattr(net, "decode")
    jax.eval_shape(dann, own, stats, tiny.batch(), jax.random.key(0), jnp.asarray(0.5))
    unlabelled = {name: {"image": examples["image"]} for name, examples in BATCH.items()}
    names = ("trunk", *WRITERS, *JUDGES)
    own = params(**dict(zip(names, (A, W0, W1, U0, U1), strict=True)))
    cyclegan = translation_loss(TranslationGame(), weights=only(image=1.0, cycle=1.0))
    call = jax.eval_shape(cyclegan, own, {}, unlabelled, jax.random.key(0), jnp.asarray(0.5))
    _, (_, metrics) = call
    assert set(metrics) == {"image_loss", "translator_loss", "cycle_loss"}


def test_dropout_is_drawn_from_the_steps_key(problem):
    net, own, stats, batch = problem
    net = tiny_net(norm=bool(stats), dropout=0.5)
    loss = translation_loss(net, weights=only(cycle=1.0))
    draw = jax.jit(lambda key: loss(own, stats, batch, key, 0.5)[0])
    value = [draw(jax.random.key(seed)) for seed in (0, 0, 1)]
    assert value[0] == value[1] != value[2]


def test_bad_input(problem):
    net, own, stats, batch = problem
    with pytest.raises(ValueError, match=r"the weight of cycle is -0.1; expected 0 or more"):
        TranslationWeights(cycle=-0.1)
    with pytest.raises(ValueError, match="all weights are 0; expected at least one"):
        only()
    with pytest.raises(ValueError, match="code_game is 'both'; expected one of inverted, reversed"):
        translation_loss(net, code_game="both")  # pyright: ignore[reportArgumentType]
    loss = translation_loss(net)
    uneven = {**batch, "target": {"image": batch["target"]["image"][:3]}}
    with pytest.raises(ValueError, match=r"\(4, 8, 8, 2\).*\(3, 8, 8, 2\) differ in shape"):
        loss(own, stats, uneven, jax.random.key(0), jnp.asarray(0.5))
    odd = {name: {**each, "image": jnp.zeros((4, 9, 9, 2))} for name, each in batch.items()}
    with pytest.raises(ValueError, match=r"write \(8, 8, 8, 2\) where the images are \(8, 9, 9, 2"):
        loss(own, stats, odd, jax.random.key(0), jnp.asarray(0.5))


def test_losses_of_rounded_images_are_taken_in_float32():
    """1 - 1/512 lies between two numbers of bfloat16."""
    small = jnp.full((2, 4, 4, 1), 1 / 512, jnp.bfloat16)
    total, count = _l1(jnp.ones_like(small), small)
    assert (total / count, total.dtype) == (1 - 1 / 512, jnp.float32)

    def judge(images, *, domains, params=None):
        del domains, params
        return images

    terms = _image_game(judge, small, small, jnp.ones(()), {})
    away = (1 - 1 / 512) ** 2
    wanted = {"image_loss": (away + 1 / 512**2) / 2, "translator_loss": away}
    for name, (_, (total, count)) in terms.items():
        np.testing.assert_allclose(total / count, wanted[name], rtol=1e-6)
