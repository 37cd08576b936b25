"""A tiny problem, and a tiny trunk that stands for one with published weights."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.data import Examples
from jtransfer.nets.domain_statistics import statistics_per_domain
from jtransfer.nets.efficientnet_lite import StemStage
from jtransfer.nets.parts.batch_norm import BatchNorm
from jtransfer.nets.parts.stages import FullStage
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.weights.preprocessing import Preprocessing
from jtransfer.nets.weights.pretrained_net import PretrainedNet
from jtransfer.recipes.adaptation.problem import Problem


def examples(name, count):
    images = np.random.default_rng(count).integers(0, 256, (count, 8, 8, 3), np.uint8)
    return Examples(images, np.arange(count) % 3, ("one", "two", "three"), name)


@pytest.fixture(scope="session")
def tiny_problem():
    sizes = {"source": 12, "target": 9, "test": 6, "held out": 6}
    return Problem(*(examples(name, count) for name, count in sizes.items()))


@pytest.fixture(scope="session")
def published():
    """Two stages with batch norm per domain, as EfficientNet-Lite has them, and a narrow one."""

    def trunk(num_domains):
        norm = BatchNorm(epsilon=1e-3, momentum=0.9, frozen=False, num_domains=num_domains)
        stages = (("stem", partial(StemStage, norm)), ("top", partial(FullStage, 4)))
        return Trunk(stages)

    variables = trunk(None).init(jax.random.key(7), jnp.zeros((1, 8, 8, 3)))
    preprocessing = Preprocessing(8, 1.0, "bilinear", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    return PretrainedNet(
        trunk(2),
        jax.device_get(statistics_per_domain(variables, 2)),
        preprocessing,
        "tiny",
        "0" * 64,
    )
