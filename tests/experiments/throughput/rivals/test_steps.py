"""The same parameters and batches give the same losses, here and in PyTorch, step by step."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.throughput import jax_steps
from experiments.throughput.random_data import Size
from experiments.throughput.timed_steps import TIMED
from jtransfer.nets.weights.catalogue.table import PRETRAINED
from jtransfer.nets.weights.torch_layout import place_weights

torch = pytest.importorskip("torch", reason="needs PyTorch: make test-all installs it")

from experiments.throughput.rivals import steps as torch_steps  # noqa: E402
from experiments.throughput.rivals.adaptation_nets import put  # noqa: E402
from experiments.throughput.rivals.efficientnet import randomised  # noqa: E402
from experiments.throughput.rivals.steps import TORCH_STEPS  # noqa: E402


def losses(work, module, step_of, *, steps=3):
    """Ours and theirs of some steps from the same start."""
    step_there, state, feed = step_of(module), work.state, work.feed
    ours, theirs = [], []
    for number in range(steps):
        inputs = feed.inputs(number)
        batch = feed.gather(feed.constants, inputs)
        there = {
            name: torch.from_numpy(np.array(fields["image"])).permute(0, 3, 1, 2)
            for name, fields in batch.items()
        }
        there["label"] = torch.from_numpy(np.array(batch["source"]["label"])).long()
        theirs.append(step_there(there).item())
        state, metrics = work.step(state, feed.constants, inputs)
        ours.append(float(metrics["loss"][0]))
    return ours, theirs


def compare(work, module, step_of):
    ours, theirs = losses(work, module, step_of)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-4)
    # Gradients and optimizers agree, too; what differs in the last digits grows.
    np.testing.assert_allclose(ours, theirs, rtol=2e-3)
    assert len(set(theirs)) == 3


SIZES = {
    "dann-mnist": Size(4, 32, domains=2),
    "dann-svhn": Size(2, 32, domains=2),
    "dann-gtsrb": Size(4, 40, classes=43, width=0.125, domains=2),
    "adda": Size(4, 28, 1, domains=2),
    "translation": Size(4, 12, 1, domains=2),
}


# The others take some 10 s each to compile.
QUICK = ("dann-mnist",)


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in SIZES],
)
def test_losses_of_domain_adaptation(name):
    size, rival = SIZES[name], TORCH_STEPS[name]
    work, module = TIMED[name].build(size), rival.module(size)
    module.load(work.state.params)
    compare(work, module, rival.step_of)


def test_losses_of_a_mean_teacher():
    size = Size(8, 32, domains=2)
    work = jax_steps.teacher(size, augment=lambda key, images: images)
    module = torch_steps.teacher(size, augment=None)
    module.load(work.state.params)
    compare(work, module, TORCH_STEPS["teacher"].step_of)


def test_the_augmentation_keeps_what_ours_keeps():
    images = torch.arange(2 * 3 * 6 * 5.0).view(2, 3, 6, 5)
    changed = torch_steps.mapped_and_convolved(images)
    assert changed.shape == images.shape
    assert torch.isfinite(changed).all()
    even = torch_steps.mapped_and_convolved(torch.zeros(8, 3, 6, 5))
    assert not even.any()


@pytest.mark.parametrize(
    ("name", "net", "size"),
    [
        ("alexnet-tuning", "alexnet_2014", Size(2, 96, classes=5)),
        pytest.param(
            *("lite0-tuning", "efficientnet_lite0", Size(2, 65, classes=5)),
            marks=pytest.mark.slow,  # some 20 s to compile
        ),
    ],
)
def test_losses_of_fine_tuning(name, net, size):
    work, rival = TIMED[name].build(size), TORCH_STEPS[name]
    module = rival.module(size)
    randomised(module.trunk)
    weights = {key: array.numpy() for key, array in module.trunk.state_dict().items()}
    state = work.state
    template = {"params": state.params, **state.stats}
    template = {key: tree["trunk"] for key, tree in template.items()}
    template = jax.eval_shape(lambda: template)
    names = PRETRAINED[net].names
    trunk = place_weights(weights, names, template, net=net, source="the rival")
    trunk = jax.tree.map(jnp.array, trunk)
    params = {**state.params, "trunk": trunk["params"]}
    stats = {key: {"trunk": trunk[key]} for key in state.stats}
    # Random nets shout: a quiet head keeps the losses of a size.
    head = jax.tree.map(lambda values: 0.01 * values, params["head"])
    params["head"] = head
    side = round((module.head.in_features / 256) ** 0.5)
    maps = (256, side, side) if net == "alexnet_2014" else None
    put(module.head, head["out"], maps=maps)
    compare(replace(work, state=replace(state, params=params, stats=stats)), module, rival.step_of)


@pytest.mark.parametrize("name", ["dann-mnist", "teacher"])
def test_a_step_of_pytorch_runs(name):
    TORCH_STEPS[name].prepare(Size(2, 32, domains=2))()


def test_a_forward_pass_of_pytorch_runs():
    TORCH_STEPS["lite0-forward"].prepare(Size(1, 64, classes=1000))()
