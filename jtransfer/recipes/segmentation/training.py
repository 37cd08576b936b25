"""One stage of the training: a net of so many scored stages, its best step chosen on val."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax

from jtransfer.data.augment.colour_jitter import colour_jitter
from jtransfer.data.augment.image_and_mask import random_scale_crop_flip
from jtransfer.data.feeds.resident import Domain, ResidentFeed
from jtransfer.data.masks import MaskedImages
from jtransfer.measure.segmentation import PixelScores, pixel_scores
from jtransfer.nets.fcn import FCN
from jtransfer.recipes.segmentation.nets import TRUNK, Base
from jtransfer.recipes.segmentation.problem import Problem, confusion_of
from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.compilation import compile_step
from jtransfer.train.early_stopping import EarlyStopping
from jtransfer.train.evaluation import map_batches
from jtransfer.train.loop import fit
from jtransfer.train.parallel import Parallel
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.run_log import RunLog
from jtransfer.train.schedules import cosine
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.dense_prediction.class_weights import ClassWeights, class_weights
from jtransfer.transfer.dense_prediction.pixel_loss import pixel_loss
from jtransfer.transfer.parameter_groups import ParameterGroups, parameter_groups


@dataclass(frozen=True)
class Options:
    """How a stage is trained.

    Attributes:
      steps: of a stage from the published weights; a net from scratch takes those of all stages.
      batch: images a step.
      learning_rate: of Adam at the start, falling to 0 as a cosine.
      trunk_rate: factor on it for a published trunk.
      weights: of the classes in the loss.
      scale: smallest and largest random factor on the sides of the images.
      jitter: strength of random changes of brightness, contrast and saturation, as other light
        would; see `colour_jitter`.
      window: (height, width) of what is cut from an image in pixels; None for the images' own size.
      looks: at the val set, evenly over the steps.
    """

    steps: int = 1000
    batch: int = 8
    learning_rate: float = 1e-3
    trunk_rate: float = 0.5
    weights: ClassWeights = "none"
    scale: tuple[float, float] = (0.75, 1.5)
    jitter: float = 0.4
    window: tuple[int, int] | None = None
    looks: int = 10
    parallel: Parallel = field(default_factory=Parallel)

    @property
    def look_every(self) -> int:
        """Steps between looks."""
        return max(1, self.steps // self.looks)


@dataclass(frozen=True)
class Judge:
    """What a net guesses, and how often it is right.

    Attributes:
      net: its variables come with the state.
      base: whose preprocessing the images have.
    """

    net: FCN
    base: Base

    def guesses(self, variables: Any, images: np.ndarray, *, batch: int = 16) -> np.ndarray:
        """Classes [n, height, width] uint8 of images [n, height, width, 3] uint8."""
        guess = partial(_guess, self.net, self.base.preprocessing.normalise, variables)
        return map_batches(guess, images, batch=min(batch, len(images)))

    def scores(self, variables: Any, masked: MaskedImages) -> PixelScores:
        """The four numbers, and each class's IoU."""
        return pixel_scores(confusion_of(self.guesses(variables, masked.images), masked))


@partial(jax.jit, static_argnums=(0, 1))
def _guess(net: FCN, normalise: Any, variables: Any, images: jax.Array) -> jax.Array:
    scores: Any = net.apply(variables, normalise(images))
    return scores.argmax(axis=-1).astype("uint8")


def train_stage(
    problem: Problem,
    base: Base,
    net: FCN,
    variables: Any,
    options: Options,
    folder: RunFolder,
    *,
    scratch: bool,
    seed: int,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Train from variables, or take up where an earlier call stopped; the best step on val.

    Args:
      problem: the data.
      base: the net's.
      net: of so many scored stages.
      variables: to start from.
      options: how.
      folder: where the run leaves what it has.
      scratch: whether the trunk moves as fast as the rest.
      seed: of the order, and of what is random in a step.

    Returns:
      The variables of the best step, and what was measured on the way.
    """
    steps, every = options.steps, options.look_every
    groups, optimizer = _optimizer(variables, options, scratch=scratch)
    data = problem.train
    weights = class_weights(data.masks, len(data.classes), options.weights, ignored=problem.ignored)
    step = make_step(
        pixel_loss(net, ignored=problem.ignored, weights=weights.tolist()),
        optimizer,
        total_steps=steps,
        augment=_augmentation(problem, base, options),
    )
    fields = {"image": data.images, "mask": data.masks}
    feed = ResidentFeed({"target": Domain(fields, options.batch)}, seed)
    mesh = options.parallel.mesh
    compiled = compile_step(step, feed.gather, mesh=mesh)
    judge = Judge(net, base)

    def evaluate(state: TrainState) -> dict[str, float]:
        found = judge.scores({"params": state.params, **state.stats}, problem.val)
        return {"val_mean_iou": found.mean_iou, "val_pixel_accuracy": found.pixel_accuracy}

    moving, _ = groups.count(variables["params"])
    print(f"{folder.path.name}: {moving:,} parameters move, {steps:,} steps")
    state = TrainState.create(variables, optimizer, rng=jax.random.key(seed))
    # Never satisfied: what is wanted of it is the best state alone.
    best = EarlyStopping("val_mean_iou", patience=steps, folder=folder.path / "best")
    began = time.perf_counter()
    with Checkpoints(folder.checkpoint_folder) as checkpoints:
        if checkpoints.latest_step is not None:
            state = checkpoints.restore(state)
        first = int(state.step)
        shown = {"name": folder.path.name, "total_steps": steps, "first_step": first}
        with RunLog(folder.metrics_file, **shown, examples_per_step=options.batch) as log:
            state = fit(
                compiled,
                state,
                feed,
                steps=steps,
                log=log,
                log_every=every,
                evaluate=evaluate,
                evaluate_every=every,
                early_stopping=best,
                checkpoints=checkpoints,
                checkpoint_every=every,
                mesh=mesh,
            )
    return {"params": state.params, **state.stats}, {
        "steps": steps,
        "best_step": int(state.step),
        "started_at_step": first,
        "seconds": round(time.perf_counter() - began, 1),
    }


def best_of(folder: Path, variables: Any, options: Options, *, scratch: bool) -> dict[str, Any]:
    """The variables of the best step of a run that has ended.

    Args:
      folder: of the run.
      variables: of its net, whatever they are.
      options: as it was trained.
      scratch: as it was trained.
    """
    _, optimizer = _optimizer(variables, options, scratch=scratch)
    template = TrainState.create(variables, optimizer, rng=jax.random.key(0))
    with Checkpoints(folder / "best" / "best") as kept:
        state = kept.restore(template)
    return {"params": state.params, **state.stats}


def _optimizer(
    variables: Any, options: Options, *, scratch: bool
) -> tuple[ParameterGroups, optax.GradientTransformation]:
    rules: dict[str, str | float] = {".*": "full"}
    if not scratch:
        rules = {f"{TRUNK}/.*": options.trunk_rate, **rules}
    groups = parameter_groups(variables["params"], rules)
    rate = cosine(options.learning_rate, total_steps=options.steps)
    return groups, groups.optimizer(optax.adam(rate))


def _augmentation(
    problem: Problem, base: Base, options: Options
) -> Callable[[jax.Array, Any], Any]:
    """Random light, then scale, window and mirror of image and mask; the net's normalisation."""
    size = options.window or problem.train.images.shape[1:3]
    strengths = dict.fromkeys(("brightness", "contrast", "saturation"), options.jitter)
    lit = colour_jitter(**strengths, white=255.0)
    change = random_scale_crop_flip(size, ignored=problem.ignored, scale=options.scale)

    def augment(key: jax.Array, batch: Any) -> Any:
        of_light, of_place = jax.random.split(key)
        fields = batch["target"]
        light = {**fields, "image": lit(of_light, fields["image"])}
        changed = change(of_place, {**batch, "target": light})
        fields = changed["target"]
        images = base.preprocessing.normalise(fields["image"])
        return {**changed, "target": {**fields, "image": images}}

    return augment
