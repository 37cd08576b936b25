"""A method of adaptation that trains the whole net, beside those on features as they are."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.data.feeds.file_examples import FileExamples
from jtransfer.data.image_files import ImageFiles
from jtransfer.nets.domain_statistics import statistics_of_domain, statistics_per_domain
from jtransfer.nets.parts.stages import PixelMean
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.weights.pretrained import published_weights
from jtransfer.nets.weights.pretrained_net import PretrainedNet
from jtransfer.recipes.adaptation.feature_methods import SOURCE_ONLY
from jtransfer.recipes.adaptation.feature_models import FeatureModel
from jtransfer.recipes.adaptation.methods import METHODS
from jtransfer.recipes.adaptation.options import Conduct, Options
from jtransfer.recipes.adaptation.problem import Problem
from jtransfer.recipes.adaptation.published_trunk import PublishedTrunk
from jtransfer.recipes.adaptation.run import Run
from jtransfer.recipes.adaptation.run_methods import run_methods
from jtransfer.recipes.own_folder.frozen_trunk import FrozenTrunk
from jtransfer.recipes.own_folder.whole_net import Budget, hash_of_weights
from jtransfer.transfer.features.probe import LinearProbe

TRAINED = tuple(
    name
    for name, method in METHODS.items()
    if method.recipe is not None
    and "target" not in method.labelled
    and name not in (SOURCE_ONLY, "translation")
)
"""Methods that train a published trunk and are given no label of the target."""

_SLOWER = 0.1  # the trunk's rate beside the heads'
_STATISTICS = "batch_stats"


@dataclass(frozen=True, eq=False)
class TrainedNet:
    """A net that was trained, as a linear classifier of features of its own.

    Attributes:
      model: its label head, which aligns nothing.
      source: its features of all source images, [n, dims].
      target: its features of the target's images, [m, dims].
      trunk: what makes the target's.
    """

    model: FeatureModel
    source: np.ndarray
    target: np.ndarray
    trunk: FrozenTrunk


def train_nets(
    trunk: FrozenTrunk,
    method: str,
    source: ImageFiles,
    parts: tuple[np.ndarray, np.ndarray],
    target: ImageFiles,
    *,
    steps: int | None,
    seed: int,
    workers: int,
    folder: Path,
) -> dict[str, TrainedNet]:
    """Train a method from the published weights on, and the source-only net beside it.

    Rates and steps are those of `fit`'s fine-tuning, new heads ten times faster. What was
    interrupted goes on.

    Args:
      trunk: with its published weights.
      method: one of `TRAINED`.
      source: labelled images.
      parts: positions of those to learn from, and of those that are held out.
      target: images whose labels are not looked at.
      steps: of each of the two runs; None for as many as `Budget.of` takes.
      seed: of heads and orders.
      workers: processes that decode images.
      folder: of the runs.

    Returns:
      "trained_source", and "trained_" before the method's name.

    Raises:
      DataError: if an image cannot be read.
      NonFiniteLossError: if a loss is not finite.
    """
    fitted, held = parts
    labelled = FileExamples(source, trunk.crop, workers=workers)
    other = FileExamples.unlabelled(target, trunk.crop, classes=source.classes, workers=workers)
    problem = Problem(labelled.take(fitted), other, other, labelled.take(held))
    budget = Budget.of(trunk.name, len(fitted), steps)
    options = Options(
        learning_rate=budget.learning_rate / _SLOWER,
        batch=min(budget.batch, len(target)),
        trunk=PublishedTrunk(_of_both_domains(trunk), rate=_SLOWER),
    )
    conduct = Conduct(out=folder, steps=budget.steps, evaluate_every=0)
    names = (SOURCE_ONLY, method)
    runs = run_methods(problem, names, options=options, conduct=conduct, seeds=(seed,))
    return {
        f"trained_{name}": _net_of(runs[name, seed], trunk, labelled.images, other.images)
        for name in names
    }


def _of_both_domains(trunk: FrozenTrunk) -> PretrainedNet:
    """The trunk up to features [batch, dims], batch norm with statistics of each domain."""
    net, variables = trunk.net, trunk.variables
    if _STATISTICS in variables:
        whole = published_weights(trunk.name).build(num_domains=2, frozen_statistics=False)
        net = whole.clone(stages=whole.stages[: len(net.stages)])
        variables = statistics_per_domain(variables, 2)
    return PretrainedNet(
        _averaging(net), dict(variables), trunk.preprocessing, trunk.name, trunk.sha256
    )


def _averaging(net: Trunk) -> Trunk:
    return net.clone(stages=(*net.stages, ("pixel_mean", partial(PixelMean))))


def _net_of(run: Run, trunk: FrozenTrunk, source: Any, target: Any) -> TrainedNet:
    if run.trained is None:
        raise ValueError("nothing was trained by steps")
    program, state = run.trained
    recipe = program.recipe
    variables: Mapping[str, Any] = jax.device_get(
        recipe.on_target({"params": state.params, **state.stats})
    )
    own = {collection: variables[collection]["trunk"] for collection in trunk.variables}
    if _STATISTICS in own:
        own = statistics_of_domain(own, recipe.domains[1])
    out = variables["params"]["label_head"]["out"]
    probe = LinearProbe(jnp.asarray(out["kernel"]), jnp.asarray(out["bias"]), jnp.zeros(()))
    return TrainedNet(
        FeatureModel((), probe, seconds=run.result["seconds"]),
        run.source_features(source),
        run.target_features(target),
        replace(trunk, variables=own, sha256=hash_of_weights(own)),
    )
