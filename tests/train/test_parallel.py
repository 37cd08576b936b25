"""Every method's step over several devices is the step of one; so it is over two processes."""

import os
import re
import socket
import subprocess
import sys
import time
from functools import cache, partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.nets.ganin import AdaptationNet
from jtransfer.nets.multitask import MultitaskNet
from jtransfer.nets.stages import FullStage
from jtransfer.nets.trunk import Head, Trunk
from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.compilation import compile_step, compile_step_by_pmap, data_mesh
from jtransfer.train.loop import fit
from jtransfer.train.parallel import Parallel
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.adda import ADDA_RULES, adda_loss, untie_encoders
from jtransfer.transfer.compatibility import Bilinear, compatibility_loss, devise_ranking
from jtransfer.transfer.dann import dann_loss
from jtransfer.transfer.masked_criteria import masked_cross_entropy
from jtransfer.transfer.mean_teacher import mean_teacher_loss, with_teacher
from jtransfer.transfer.multitask import multitask_loss
from jtransfer.transfer.parameter_groups import parameter_groups
from jtransfer.transfer.supervised import supervised_loss
from jtransfer.transfer.translation import translation_loss
from tests.train import regression
from tests.transfer.animals import SEEN, draw
from tests.transfer.game import params
from tests.transfer.translation_game import TranslationGame

ROOT = Path(__file__).parents[2]
STEPS, BATCH, EXAMPLES, CLASSES, SIDE = 20, 16, 40, 3, 4


class Feed:
    """Source and target images of 4x4x1 with labels, and features of animals."""

    @property
    def constants(self):
        images, labels = jax.random.split(jax.random.key(0))
        features, animals = draw(SEEN, each=10)
        known = {
            "image": jax.random.uniform(images, (EXAMPLES, SIDE, SIDE, 1)),
            "label": jax.random.randint(labels, (EXAMPLES,), 0, CLASSES),
            "odd": jax.random.randint(images, (EXAMPLES,), 0, 2),
        }
        seen = {"feature": jnp.asarray(features), "label": jnp.asarray(animals)}
        return {"source": known, "target": {"image": 1.0 - known["image"]}, "seen": seen}

    def inputs(self, step):
        random = np.random.default_rng(step)
        return {
            domain: random.integers(0, EXAMPLES, BATCH).astype(np.int32)
            for domain in ("source", "target", "seen")
        }


def gather(constants, inputs):
    return {
        domain: jax.tree.map(lambda values, at=positions: values[at], constants[domain])
        for domain, positions in inputs.items()
    }


def gather_numbers(constants, inputs):
    """Instead of each image its mean, as the game of translation takes them, and two classes."""
    batch = gather(constants, inputs)
    for domain in ("source", "target"):
        batch[domain]["image"] = batch[domain]["image"].mean(axis=(1, 2))
    batch["source"]["label"] = batch["source"]["odd"]
    return batch


TRUNK = Trunk((("fc1", partial(FullStage, 8)), ("fc2", partial(FullStage, 6))))
BLANK = jnp.zeros((2, SIDE, SIDE, 1))
LOGITS = {"label": masked_cross_entropy, "odd": masked_cross_entropy}
ALL = {".*": "full"}


def method(name):
    """A method's loss, the variables it starts from, and the rules of who moves."""
    net, key = AdaptationNet(TRUNK, Head((8,), CLASSES), Head((8,), 1)), jax.random.key(1)
    if name == "multitask":
        shared = MultitaskNet(TRUNK, {"label": Head((), CLASSES), "odd": Head((), 2)})
        return multitask_loss(shared, LOGITS), shared.init(key, BLANK), ALL
    if name == "translation":
        parts = ("trunk", "label_head", "domain_head")
        parts += ("image_writers_0", "image_writers_1", "image_heads_0", "image_heads_1")
        numbers = params(**dict(zip(parts, (0.5, 1.5, 0.7, 0.4, 0.8, 0.3, -0.6), strict=True)))
        return translation_loss(TranslationGame()), {"params": numbers}, ALL
    if name == "zero-shot":
        bilinear = Bilinear()
        variables = bilinear.init(key, jnp.zeros((1, 6)), SEEN)
        return compatibility_loss(bilinear, SEEN, devise_ranking), variables, ALL
    variables = net.init(key, BLANK)
    if name == "adda":
        return adda_loss(net), untie_encoders(variables), ADDA_RULES
    if name == "mean teacher":
        taught = with_teacher(variables, classes=CLASSES)
        return mean_teacher_loss(net, augment=noisy, threshold=0.1), taught, ALL
    if name == "dann":
        return dann_loss(net), variables, ALL
    rules = {"trunk/fc1/.*": "frozen", "trunk/.*": 0.1, ".*": "full"}
    return supervised_loss(net), variables, rules if name == "fine-tuning" else ALL


def noisy(key, images):
    return images + 0.1 * jax.random.normal(key, images.shape)


# What differs by design under pmap is left out of it: a mean teacher's classes are counted over a
# batch and its noise is drawn for a device.
BY_PMAP = ("supervised", "fine-tuning", "dann", "adda", "translation", "multitask", "zero-shot")
METHODS = (*BY_PMAP, "mean teacher")


@cache
def parameters(name, devices, *, by="jit"):
    """A method's parameters after some steps."""
    loss, variables, rules = method(name)
    groups = parameter_groups(variables["params"], rules)
    optimizer = groups.optimizer(optax.sgd(0.05, momentum=0.9))
    axis = "data" if by == "pmap" else None
    step = make_step(loss, optimizer, total_steps=STEPS, trainable=groups.trainable, axis_name=axis)
    take = gather_numbers if name == "translation" else gather
    mesh = data_mesh(jax.devices()[:devices]) if devices > 1 else None
    if by == "pmap":
        compiled = compile_step_by_pmap(step, take, devices=jax.devices()[:devices])
    else:
        compiled = compile_step(step, take, mesh=mesh)
    # A copy: the first step uses up the state, and others start from the same variables.
    state = TrainState.create(jax.tree.map(jnp.array, variables), optimizer, rng=jax.random.key(2))
    state = fit(compiled, state, Feed(), steps=STEPS, mesh=None if by == "pmap" else mesh)
    return jax.device_get(state.params), variables["params"]


def assert_equal_to_one(name, devices, *, by="jit"):
    (found, start), (single, _) = parameters(name, devices, by=by), parameters(name, 1)
    moved = jax.tree.map(lambda one, first: float(abs(one - first).max()), single, start)
    assert max(jax.tree.leaves(moved)) > 1e-2, moved
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=1e-5), found, single)


MORE = [pytest.param(4, marks=pytest.mark.slow), pytest.param(8, marks=pytest.mark.slow)]
SLOW = ("translation", "mean teacher")  # minutes on two busy cores


@pytest.mark.parametrize("devices", [2, *MORE])
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in METHODS],
)
def test_over_devices_every_method_is_what_it_is_on_one(name, devices):
    assert_equal_to_one(name, devices)


@pytest.mark.parametrize("devices", [4, 8])
def test_over_more_devices_it_is_what_it_is_on_one(devices):
    assert_equal_to_one("supervised", devices)


@pytest.mark.parametrize("devices", [2, *MORE])
@pytest.mark.parametrize("name", BY_PMAP)
def test_by_pmap_every_method_is_what_it_is_on_one(name, devices):
    assert_equal_to_one(name, devices, by="pmap")


def test_over_devices_a_run_goes_on_from_one_devices_checkpoint(tmp_path):
    def run(steps, mesh):
        with Checkpoints(tmp_path) as checkpoints:
            state = regression.initial_state()
            if checkpoints.latest_step is not None:
                state = checkpoints.restore(state)
            step = regression.compiled_step(mesh=mesh)
            options = {"steps": steps, "checkpoints": checkpoints, "mesh": mesh}
            return fit(step, state, regression.Feed(), **options)

    run(10, None)
    found = run(STEPS, data_mesh(jax.devices()[:4]))
    assert found.params["w"].devices() == {jax.devices()[0]}
    single = fit(
        regression.compiled_step(), regression.initial_state(), regression.Feed(), steps=STEPS
    )
    np.testing.assert_allclose(found.params["w"], single.params["w"], rtol=0, atol=1e-5)


def test_a_batch_that_the_devices_do_not_divide():
    three = data_mesh(jax.devices()[:3])
    message = re.escape("shape (8,) does not split into 3 equal shares along axis 0")
    with pytest.raises(ValueError, match=message):
        fit(
            regression.compiled_step(mesh=three),
            regression.initial_state(),
            regression.Feed(),
            steps=1,
            mesh=three,
        )
    step = regression.plain_step(axis_name="data")
    compiled = compile_step_by_pmap(step, regression.gather, devices=jax.devices()[:3])
    with pytest.raises(ValueError, match=message):
        fit(compiled, regression.initial_state(), regression.Feed(), steps=1)


def test_the_devices_of_a_call():
    assert Parallel().mesh is None
    assert Parallel(devices=2).mesh == data_mesh(jax.devices()[:2])
    assert Parallel(devices=0).mesh == data_mesh()
    with pytest.raises(ValueError, match="devices=99, and 8 cpu devices are here"):
        _ = Parallel(devices=99).mesh
    with pytest.raises(ValueError, match="process only together with distributed"):
        Parallel(process=1)
    with pytest.raises(ValueError, match="expected a number of devices"):
        Parallel(devices=-1)


def two_processes(folder, *, killed_at=-1):
    """Both exit statuses and what the processes wrote to standard error and output."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        coordinator = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "tests.train.one_of_several"]
    started = [
        subprocess.Popen(
            [*command, coordinator, "2", str(process), str(folder), str(killed_at)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for process in range(2)
    ]
    try:
        told = [process.communicate(timeout=120)[0] for process in started]
    finally:
        for process in started:
            process.kill()
    return [process.returncode for process in started], told


def assert_processes_agree(folder):
    single = fit(
        regression.compiled_step(), regression.initial_state(), regression.Feed(), steps=STEPS
    )
    for process in range(2):
        found = np.load(folder / f"params-{process}.npz")
        for name in ("w", "b"):
            np.testing.assert_allclose(found[name], single.params[name], rtol=0, atol=1e-5)
        np.testing.assert_allclose(found["shared"], single.params["w"], rtol=0, atol=1e-5)


def test_two_processes_train_what_one_does_and_write_it_once(tmp_path):
    status, told = two_processes(tmp_path)
    assert status == [0, 0], told
    assert_processes_agree(tmp_path)
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == [f'{{"step": {n}' for n in (5, 10, 15, 20)]
    assert [path.name for path in (tmp_path / "steps").iterdir()] == ["20"]
    assert [told[process].count("done") for process in range(2)] == [1, 0]
    assert ["run: step 20" in each for each in told] == [True, False]


@pytest.mark.slow
def test_where_one_process_is_killed_the_other_says_so_and_the_run_goes_on(tmp_path):
    started = time.monotonic()
    status, told = two_processes(tmp_path, killed_at=12)
    assert time.monotonic() - started < 100
    assert status[1] == -9
    assert status[0] not in (0, -9)
    assert "another task died" in told[0]
    assert not (tmp_path / "result.json").exists()
    status, told = two_processes(tmp_path)
    assert status == [0, 0], told
    assert '"first": 0' not in (tmp_path / "result.json").read_text()
    assert_processes_agree(tmp_path)
