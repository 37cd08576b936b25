"""Every program of `jtransfer.transfer`, lowered for accelerators on a machine that has none."""

import pkgutil
from functools import partial
from importlib import import_module

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jtransfer.transfer
from jtransfer.nets.acoustic import acoustic_net
from jtransfer.nets.fcn import FCN
from jtransfer.nets.parts.trunk import ConvStage, Trunk
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.adaptation import aligned_fits, coral, sinkhorn, subspace, transport
from jtransfer.transfer.dense_prediction.pixel_loss import pixel_loss
from jtransfer.transfer.features import block, few_shot, penalty_path, retrieval
from jtransfer.transfer.finetuning.speaker import Run, make_adaptation
from jtransfer.transfer.zero_shot import eszsl
from tests.lowering import argument_bytes, formulations_of_cpu, lowered
from tests.train import games

N, DIMS, CLASSES, FOLDS = 12, 4, 3, 2


def floats(*shape):
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def integers(*shape):
    return jax.ShapeDtypeStruct(shape, jnp.int32)


def key(*shape):
    return jax.eval_shape(lambda: jax.random.split(jax.random.key(0), shape))


BLOCK = block.Block(floats(N, DIMS), floats(N, CLASSES), floats(N, FOLDS))
SVMS = (floats(N, DIMS), floats(N, 6, 1), floats(N, 6, 1), floats(N, 6, 1))
SOFTMAX = (
    floats(N, DIMS),
    floats(N, 1, CLASSES),
    floats(N, FOLDS, 1),
    floats(N, FOLDS, CLASSES),
)
PATH = (floats(N, N), floats(N), floats(), floats(N, CLASSES), floats(N, FOLDS), floats(5))
GRID = eszsl.ESZSLGrid(floats(DIMS), floats(DIMS, DIMS), floats(2), floats(2, 2), floats(DIMS, 2))
EPISODE = (floats(N, DIMS), integers(5, CLASSES, 4))


def draw(keys, members, counts):
    return few_shot._draw(keys, members, counts, 2, 3)


def accuracies(fit, features, episodes):
    return few_shot._accuracies(features, episodes, 1, fit)


# What is jitted, by its name, as functions of arrays.
PROGRAMS = {
    "features.block.products_of": [(block.products_of, floats(N, DIMS))],
    "features.block.scores_by": [(block.scores_by, floats(N, DIMS), floats(DIMS, 6, 1))],
    "features.block.moved_on": [(block.moved_on, floats(N, 6, 1), floats(N, 6, 1), floats(6))],
    "features.block.of_problems": [
        (partial(block.of_problems, kind=kind), BLOCK, integers(6), integers(6))
        for kind in ("svm", "softmax")
    ],
    "features.block.gradient_of": [
        (partial(block.gradient_of, kind="svm"), *SVMS),
        (partial(block.gradient_of, kind="softmax"), *SOFTMAX),
    ],
    "features.block.bends_of": [(partial(block.bends_of, kind="svm"), *SVMS[1:])],
    "features.block.derivatives_along": [
        (partial(block.derivatives_along, kind=kind), *given, given[-1], floats(given[-1].shape[1]))
        for kind, given in (("svm", SVMS), ("softmax", SOFTMAX))
    ],
    "features.penalty_path.penalty_path": [
        (partial(penalty_path.penalty_path, kind=kind), *PATH, floats(), integers())
        for kind in ("svm", "softmax")
    ],
    "features.penalty_path.gram_matrix": [(penalty_path.gram_matrix, floats(N, DIMS))],
    "features.few_shot._draw": [(draw, key(5), integers(CLASSES, 6), integers(CLASSES))],
    "features.few_shot._accuracies": [
        (partial(accuracies, fit), *EPISODE)
        for fit in (few_shot.fit_nearest_mean, few_shot.fit_cosine)
    ],
    "features.retrieval._principal_components": [
        (partial(retrieval._principal_components, components=2), floats(*shape))
        for shape in ((N, DIMS), (DIMS, N))
    ],
    "features.retrieval._merge": [
        (
            retrieval._merge,
            (floats(2, 3), integers(2, 3)),
            floats(2, DIMS),
            floats(N, DIMS),
            integers(),
            integers(),
        )
    ],
    "zero_shot.eszsl._grid_weights": [(eszsl._grid_weights, GRID, floats(2), floats(3))],
    "zero_shot.eszsl._decisions": [
        (eszsl._decisions, GRID, floats(N, DIMS), floats(CLASSES, 2), floats(2), floats(3))
    ],
    "adaptation.subspace._eigenvectors": [(subspace._eigenvectors, floats(N, DIMS))],
    "adaptation.transport.Transport.source": [
        (
            transport.Transport.source,
            transport.Transport(floats(N, DIMS), floats(N, DIMS)),
            floats(5, DIMS),
        )
    ],
    "adaptation.transport._barycentres": [
        (transport._barycentres, floats(N, DIMS), floats(5, DIMS), floats())
    ],
    "adaptation.aligned_fits._aligned": [
        (aligned_fits._aligned, floats(N, DIMS), floats(DIMS, DIMS), integers())
    ],
    "adaptation.coral._recolouring": [
        (coral._recolouring, floats(N, DIMS), floats(5, DIMS), floats())
    ],
    "adaptation.sinkhorn.sinkhorn": [(sinkhorn.sinkhorn, floats(N, 5), floats())],
}


def jitted():
    """The names of all that is jitted below `jtransfer.transfer`, in modules and in classes."""
    package = jtransfer.transfer
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        module = import_module(found.name)
        for holder in (module, *(each for each in vars(module).values() if isinstance(each, type))):
            for each in vars(holder).values():
                if hasattr(each, "lower") and hasattr(each, "trace"):
                    yield f"{each.__module__}.{each.__qualname__}".removeprefix(
                        f"{package.__name__}."
                    )


def test_every_program_is_here():
    assert {*PROGRAMS} == {*jitted()}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_closed_form_for_accelerators_is_sent_its_arguments_alone(name):
    for program, *arguments in PROGRAMS[name]:
        found = lowered(program, *arguments)
        assert formulations_of_cpu(found) == []
        sent = sum(np.prod(each.shape, dtype=int) for each in jax.tree.leaves(arguments))
        keys = 4 * 5 if name.endswith("_draw") else 0  # two numbers each
        assert argument_bytes(found) == 4 * sent + keys


@pytest.mark.parametrize("name", ["fine-tuning", "multitask", "zero-shot"])
def test_the_step_of_a_game(name):
    loss, variables, rules = games.method(name)
    groups = games.parameter_groups(variables["params"], rules)
    optimizer = groups.optimizer(optax.sgd(0.05, momentum=0.9))
    step = make_step(loss, optimizer, total_steps=4, trainable=groups.trainable)
    rng = jax.random.key(0)
    state = jax.eval_shape(lambda: TrainState.create(variables, optimizer, rng=rng))
    feed = games.Feed()
    batch = jax.eval_shape(games.gather, feed.constants, feed.inputs(0))
    program = lowered(step, state, batch)
    assert formulations_of_cpu(program) == []
    held = sum(leaf.nbytes for leaf in jax.tree.leaves(variables["params"]))
    assert argument_bytes(program) > held


def test_the_step_of_a_net_that_segments():
    stage = partial(ConvStage, 2, 3, padding="SAME", pool=(2, 2))
    net = FCN(Trunk((("conv1", stage), ("conv2", stage))), 3, ("conv1",), stride=4)
    batch = {"target": {"image": floats(4, 8, 8, 3), "mask": integers(4, 8, 8)}}
    optimizer = optax.sgd(0.1)

    def begin(images):
        variables = net.init(jax.random.key(0), images)
        return TrainState.create(variables, optimizer, rng=jax.random.key(1))

    state = jax.eval_shape(begin, batch["target"]["image"])
    step = make_step(pixel_loss(net, ignored=3), optimizer, total_steps=4)
    assert formulations_of_cpu(lowered(step, state, batch)) == []
    assert formulations_of_cpu(lowered(step, state, batch, platforms=("cpu",)))


@pytest.mark.parametrize("method", ["lhuc", "kl"])
def test_the_adaptation_of_a_speaker(method):
    net = acoustic_net(classes=3, units=(4, 5, 6, 7))
    frames, mask = floats(6, 9, 8), jax.ShapeDtypeStruct((6, 9), jnp.bool_)
    variables = jax.eval_shape(lambda *given: net.init(jax.random.key(0), given), frames, mask)
    run = Run(variables, (frames, mask), floats(6, 3), integers(3, 4), floats(), key())
    adapt = make_adaptation(net, variables["params"], method, steps=3)
    assert formulations_of_cpu(lowered(adapt, run)) == []
