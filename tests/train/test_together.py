import io
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.data.feeds.resident import Domain, ResidentFeed, centred
from jtransfer.nets.ganin import AdaptationNet
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk
from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.compilation import compile_step
from jtransfer.train.loop import NonFiniteLossError, fit
from jtransfer.train.run_log import RunLog, read_records
from jtransfer.train.schedules import inverse_decay
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.train.together import RunsFeed, compile_runs, stack_runs, unstack_runs
from jtransfer.transfer.adaptation.adda import ADDA_RULES, adda_loss, untie_encoders
from jtransfer.transfer.adaptation.dann import dann_loss
from jtransfer.transfer.adaptation.mean_teacher import mean_teacher_loss, with_teacher
from jtransfer.transfer.parameter_groups import parameter_groups
from jtransfer.transfer.supervised import supervised_loss
from tests import draws
from tests.train import regression

SEEDS = (0, 1, 2)
STEPS = 4


def tiny_net():
    """With batch norm per domain and dropout, so that statistics and keys matter."""
    stages = (("conv1", partial(ConvStage, 4, 3, pool=(2, 2), norm=True, dropout=0.5)),)
    return AdaptationNet(Trunk(stages), Head((8,), 3), Head((8,), 1, dropout=0.5))


def add_noise(key, images):
    return images + 0.1 * jax.random.normal(key, (images.size,)).reshape(images.shape)


METHODS = {
    "supervised": (supervised_loss, lambda made: made, {".*": "full"}),
    "dann": (dann_loss, lambda made: made, {".*": "full"}),
    "adda": (adda_loss, untie_encoders, ADDA_RULES),
    "teacher": (
        partial(mean_teacher_loss, augment=add_noise),
        partial(with_teacher, classes=3),
        {".*": "full"},
    ),
}


def feed(seed):
    random = np.random.default_rng(0)  # one data set for all
    images = random.integers(0, 256, (2, 24, 8, 8, 2), np.uint8)
    labels = random.integers(0, 3, 24).astype(np.int32)
    transform = centred(np.full(2, 0.5))
    return ResidentFeed(
        {
            "source": Domain({"image": images[0], "label": labels}, 8, transform),
            "target": Domain({"image": images[1]}, 8, transform),
        },
        seed,
    )


def assert_close(one, other):
    """Parameters, statistics and the optimizer's state of two runs."""
    for name in ("step", "params", "stats", "opt_state"):
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5),
            getattr(one, name),
            getattr(other, name),
        )


@pytest.mark.parametrize("method", METHODS)
def test_runs_together_are_the_runs_one_by_one(method, tmp_path):
    make_loss, start, rules = METHODS[method]
    net = tiny_net()

    def fresh(seed):
        return start(draws.variables(net, jnp.zeros((1, 8, 8, 2)), seed=seed))

    groups = parameter_groups(fresh(0)["params"], rules)
    optimizer = groups.optimizer(optax.sgd(inverse_decay(0.1, total_steps=STEPS), momentum=0.9))
    step = make_step(make_loss(net), optimizer, total_steps=STEPS, trainable=groups.trainable)

    def train(compiled, state, feed, folder):
        folder.mkdir()
        file = folder / "metrics.jsonl"
        with RunLog(file, name="run", total_steps=STEPS, stream=io.StringIO()) as log:
            state = fit(compiled, state, feed, steps=STEPS, log=log, log_every=2)
        return state, read_records(file)

    def first(seed):
        return TrainState.create(fresh(seed), optimizer, rng=jax.random.key(seed + 10))

    compiled = compile_step(step, feed(0).gather)
    alone = [
        train(compiled, first(seed), feed(seed), tmp_path / f"{method}{seed}") for seed in SEEDS
    ]
    together, records = train(
        compile_runs(step, feed(0).gather),
        stack_runs([first(seed) for seed in SEEDS]),
        RunsFeed([feed(seed) for seed in SEEDS]),
        tmp_path / "together",
    )
    runs = unstack_runs(together)
    for position, (run, (state, its_records)) in enumerate(zip(runs, alone, strict=True)):
        assert_close(run, state)
        np.testing.assert_array_equal(jax.random.key_data(run.rng), jax.random.key_data(state.rng))
        for mine, its in zip(records, its_records, strict=True):
            assert mine.keys() == its.keys()
            for name in its.keys() - {"step"}:
                np.testing.assert_allclose(mine[name][position], its[name], rtol=1e-4, atol=1e-5)


def test_rates_together_are_the_rates_one_by_one():
    """A rate that is part of the optimizer's state."""
    optimizer = optax.inject_hyperparams(optax.adam)(learning_rate=0.0)
    step = make_step(regression.loss, optimizer, total_steps=20)
    variables = {"params": regression.initial_state().params, "seen": jnp.zeros(())}

    def at(rate):
        state = TrainState.create(variables, optimizer, rng=jax.random.key(7))
        state.opt_state.hyperparams["learning_rate"] = jnp.asarray(rate)
        return state

    rates = (1e-3, 1e-1)
    compiled = compile_step(step, regression.gather)
    alone = [fit(compiled, at(rate), regression.Feed(), steps=20) for rate in rates]
    together = fit(
        compile_runs(step, regression.gather, steps_per_call=5),
        stack_runs([at(rate) for rate in rates]),
        RunsFeed([regression.Feed()] * 2),
        steps=20,
        steps_per_call=5,
    )
    for run, state, rate in zip(unstack_runs(together), alone, rates, strict=True):
        assert_close(run, state)
        fixed = make_step(regression.loss, optax.adam(rate), total_steps=20)
        plain = TrainState.create(variables, optax.adam(rate), rng=jax.random.key(7))
        plain = fit(compile_step(fixed, regression.gather), plain, regression.Feed(), steps=20)
        np.testing.assert_allclose(run.params["w"], plain.params["w"], rtol=1e-5, atol=1e-5)
    assert abs(alone[0].params["w"] - alone[1].params["w"]).max() > 0.1


def test_a_weight_of_the_loss_is_given_with_the_inputs():
    """DANN's lambda, 0 in one run and 1 in the other."""
    net = tiny_net()
    variables = draws.variables(net, jnp.zeros((1, 8, 8, 2)))
    optimizer = optax.sgd(0.1)

    def weighted_loss(params, stats, batch, rng, progress):
        images, weight = batch
        return dann_loss(net, reversal=lambda _: weight)(params, stats, images, rng, progress)

    def gather(constants, inputs):
        positions, weight = inputs
        return feed(0).gather(constants, positions), weight

    class Weighted:
        def __init__(self, weight):
            self.weight, self.constants = np.float32(weight), feed(0).constants

        def inputs(self, step):
            return feed(0).inputs(step), self.weight

    def first():
        return TrainState.create(variables, optimizer, rng=jax.random.key(1))

    step = make_step(weighted_loss, optimizer, total_steps=STEPS)
    together = fit(
        compile_runs(step, gather),
        stack_runs([first(), first()]),
        RunsFeed([Weighted(0.0), Weighted(1.0)]),
        steps=STEPS,
    )
    runs = unstack_runs(together)
    for weight, run in zip((0.0, 1.0), runs, strict=True):
        loss = dann_loss(net, reversal=lambda _, weight=weight: jnp.asarray(weight))
        alone = compile_step(make_step(loss, optimizer, total_steps=STEPS), feed(0).gather)
        assert_close(run, fit(alone, first(), feed(0), steps=STEPS))
    kernels = [run.params["trunk"]["conv1"]["conv"]["kernel"] for run in runs]
    assert abs(kernels[0] - kernels[1]).max() > 1e-4


def test_a_checkpoint_of_runs_together_is_taken_up_bit_by_bit(tmp_path):
    compiled = compile_runs(regression.plain_step(), regression.gather)
    feeds = RunsFeed([regression.Feed()] * 2)

    def first():
        state = regression.initial_state()
        return stack_runs([state, state.replace(rng=jax.random.key(8))])

    whole = fit(compiled, first(), feeds, steps=20)
    with Checkpoints(tmp_path) as checkpoints:
        fit(compiled, first(), feeds, steps=10, checkpoints=checkpoints)
    with Checkpoints(tmp_path) as checkpoints:
        resumed = fit(compiled, checkpoints.restore(first()), feeds, steps=20)
    jax.tree.map(np.testing.assert_array_equal, resumed.params, whole.params)
    weights = whole.params["w"]
    assert (weights[0] != weights[1]).all()


def test_a_loss_of_one_run_that_is_not_finite_stops_all():
    compiled = compile_runs(regression.plain_step(), regression.gather)
    state = stack_runs([regression.initial_state()] * 2)
    feeds = RunsFeed([regression.Feed(), regression.Feed(poisoned=(2,))])
    with pytest.raises(NonFiniteLossError, match="the loss is nan at step 3"):
        fit(compiled, state, feeds, steps=5)


def test_runs_stand_at_one_step():
    state = regression.initial_state()
    with pytest.raises(ValueError, match=r"runs after \[0, 3\] steps; expected all at the same"):
        stack_runs([state, state.replace(step=jnp.asarray(3))])
