"""A frozen trunk: a linear probe of its cached features, or a head trained on them by steps."""

import time
from typing import Any

import jax
import numpy as np

from jtransfer.data.feeds.resident import Domain, ResidentFeed
from jtransfer.data.splits import stratified_folds
from jtransfer.nets.classifier import Classifier
from jtransfer.nets.initial import initial
from jtransfer.recipes.finetuning.images.options import Conduct, Options
from jtransfer.recipes.finetuning.images.programs import guessed, programs_of
from jtransfer.recipes.finetuning.images.task import ImageTask
from jtransfer.recipes.finetuning.tuning import Tuning
from jtransfer.train.state import TrainState
from jtransfer.transfer.features.probe import Choice, cross_validate
from jtransfer.transfer.finetuning.finetune import fine_tune, without_trunk

FOLDS = 5  # of the training images


def probe_of(task: ImageTask, options: Options, seed: int) -> Choice:
    """A softmax fitted to the training images' features, its C chosen by cross-validation."""
    return cross_validate(
        task.features[task.train],
        task.train_labels,
        options.probe_C,
        stratified_folds(task.train_labels, FOLDS, seed=seed),
        kind="softmax",
        classes=task.decoded.classes,
    )


def judge_probe(task: ImageTask, options: Options, seed: int) -> dict[str, Any]:
    """The linear probe's accuracy, and its C."""
    choice = probe_of(task, options, seed)
    guesses = np.asarray(choice.probe.predict(task.features[task.test]))
    return {"accuracy": task.judge(guesses), "C": choice.C}


def tune_head(
    task: ImageTask, tuning: Tuning, options: Options, conduct: Conduct, seed: int
) -> dict[str, Any]:
    """Choose the learning rate of a head on a held-out fifth, train it on all and judge it."""
    train, labels = task.train, task.decoded.labels
    fold, held = stratified_folds(task.train_labels, FOLDS, seed=seed)[0]
    scores = []
    for rate in options.head_learning_rates:
        net, state = _trained(task, tuning, options, conduct, train[fold], rate, seed)
        guesses = guessed(net, state, task.features[train[held]])
        scores.append(float((guesses == labels[train[held]]).mean()))
    rate = options.head_learning_rates[int(np.argmax(scores))]
    started = time.perf_counter()
    net, state = _trained(task, tuning, options, conduct, train, rate, seed)
    seconds = time.perf_counter() - started
    return {
        "accuracy": task.judge(guessed(net, state, task.features[task.test])),
        "rate": rate,
        "steps": options.head_steps,
        "milliseconds_a_step": 1e3 * seconds / options.head_steps,
    }


def _trained(
    task: ImageTask,
    tuning: Tuning,
    options: Options,
    conduct: Conduct,
    positions: np.ndarray,
    learning_rate: float,
    seed: int,
) -> tuple[Classifier, TrainState]:
    """A head on the cached features of the images at `positions`."""
    net = without_trunk(task.net(tuning))
    blank = np.zeros((1, task.features.shape[1]), np.float32)
    variables = initial(net, jax.random.key(seed), blank)
    fields = {"image": task.features[positions], "label": task.decoded.labels[positions]}
    feed = ResidentFeed({"target": Domain(fields, options.batch)}, seed)
    programs = programs_of(
        net,
        variables["params"],
        tuning,
        steps=options.head_steps,
        learning_rate=learning_rate,
        momentum=options.momentum,
        gather=feed.gather,
        mesh=conduct.parallel.mesh,
    )
    state = fine_tune(programs, variables, feed, rng=jax.random.key(seed))
    return net, jax.block_until_ready(state)
