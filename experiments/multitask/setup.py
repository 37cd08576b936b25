"""The drawn numbers as a problem of four tasks, and the net and options of a call."""

from functools import partial

import numpy as np

from experiments.multitask.config import Config
from experiments.multitask.rows import TASKS, families
from jtransfer.data.images import resize
from jtransfer.data.synthetic.numbers import draw_numbers
from jtransfer.nets.multitask import MultitaskNet
from jtransfer.nets.parts.stages import FullStage
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk
from jtransfer.recipes.multitask.problem import Problem
from jtransfer.recipes.multitask.trainer import Options

SIZE = 20  # side of the images in pixels
DEGREES = 12.0  # unit of the rotation, of which it is the deviation


def problem_of(config: Config) -> tuple[Problem, dict[str, str]]:
    """Draw the images, in grey and small; also the fingerprints of what was drawn."""
    sets, fingerprints = [], {}
    for split, size in (("train", config.images), ("test", config.test_images)):
        drawn = draw_numbers(split, size=size)
        grey = drawn.examples.images.mean(axis=-1, keepdims=True).round().astype(np.uint8)
        digits = drawn.examples.labels
        labels = {
            "digit": digits,
            "parity": digits % 2,
            "font": families(drawn.fonts, drawn.font_names),
        }
        sets.append({"image": resize(grey, SIZE), **labels, "rotation": drawn.angles / DEGREES})
        fingerprints[split] = drawn.examples.fingerprint()
    return Problem(sets[0], sets[1], TASKS, scarce="digit"), fingerprints


def options_of(config: Config) -> Options:
    """How every row is trained."""
    return Options(
        steps=config.steps,
        batch=config.batch,
        learning_rate=config.rate,
        weight_rate=config.weight_rate,
        temperature=config.temperature,
        log_every=config.record_every,
        parallel=config.parallel,
    )


def shared_net(tasks: tuple[str, ...]) -> MultitaskNet:
    """conv5x5-8, pool, conv3x3-16, pool, fc64 | a linear head for every task. For 20x20x1."""
    stages = (
        ("conv1", partial(ConvStage, 8, 5, "SAME", pool=(2, 2))),
        ("conv2", partial(ConvStage, 16, 3, "SAME", pool=(2, 2))),
        ("fc3", partial(FullStage, 64)),
    )
    return MultitaskNet(Trunk(stages), {task: Head((), TASKS[task].outputs) for task in tasks})
