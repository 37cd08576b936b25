"""A model's whole net moved on from its probe: LP-FT (Kumar et al., ICLR 2022)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax.traverse_util import flatten_dict

from jtransfer.data.augment.geometric import compose, on_images, random_crop, random_flip
from jtransfer.data.feeds.crops import Crop
from jtransfer.data.feeds.image_stream import ImageStream
from jtransfer.data.image_files import ImageFiles
from jtransfer.recipes.finetuning.images.nets import learning_rates_of
from jtransfer.recipes.own_folder.model import Model
from jtransfer.train.by_parts import compile_step_by_parts
from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.loop import fit
from jtransfer.train.run_log import RunLog, read_records
from jtransfer.train.state import TrainState
from jtransfer.train.step import Loss
from jtransfer.train.whole_batch import mean_over_batch
from jtransfer.transfer.features.probe import LinearProbe
from jtransfer.transfer.features.retrieval import l2_normalised
from jtransfer.transfer.supervised import cross_entropy

BATCH = 32
_EPOCHS, _FEWEST, _MOST = 5, 200, 2000
# Images whose activations a CPU holds at a time: of EfficientNet-Lite0 they are 75 MB each.
_AT_ONCE = 4
_DOMAIN = "target"


@dataclass(frozen=True)
class Budget:
    """How long a net is fine-tuned.

    Attributes:
      steps: of stochastic gradient descent with Nesterov's momentum of .9.
      batch: images a step, cut at random and mirrored.
      learning_rate: at the start; it falls to 0 as a cosine.
      gradient_norm: to which a longer gradient is shortened. A calibrated probe's scores are large
        on features of length 1, so that the trunk's first gradients are: without this a trial on
        PACS sketch (16 steps) went from a training loss of 0.4 to 6.4 in five steps.
    """

    steps: int
    batch: int
    learning_rate: float
    gradient_norm: float = 1.0

    @classmethod
    def of(cls, trunk: str, images: int, steps: int | None = None) -> "Budget":
        """Five times through the images, but at least 200 steps and at most 2,000.

        Args:
          trunk: name of its published weights, which the learning rate goes by.
          images: to learn from.
          steps: if it shall be others.
        """
        batch = min(BATCH, images)
        usual = int(np.clip(_EPOCHS * images // batch, _FEWEST, _MOST))
        return cls(steps or usual, batch, learning_rates_of(trunk)[1])


def fine_tune_model(
    model: Model,
    files: ImageFiles,
    budget: Budget,
    *,
    folder: Path,
    seed: int,
    workers: int,
    what: str,
) -> tuple[Model, list[float]]:
    """Train all that a model is made of, from where it is.

    The loss is the cross-entropy of its calibrated probabilities, so that the first step leaves
    from the probe; the temperature then is in the probe's weights. Batch norm's statistics stay.

    Args:
      model: a trunk and a probe.
      files: to learn from.
      budget: steps, batch and rate.
      folder: of the checkpoints and the log; what was interrupted goes on from there.
      seed: of the order, crops and mirroring.
      workers: processes that decode images; 0 decodes in this one.
      what: the run is called on screen.

    Returns:
      The model, at temperature 1, and the training loss in each twentieth of the steps.

    Raises:
      DataError: if an image cannot be read.
      NonFiniteLossError: if the loss is not finite.
    """
    size = model.trunk.preprocessing.size
    side = max(model.trunk.crop.resize, size * 9 // 8)
    crop = Crop(side, side, interpolation=model.trunk.preprocessing.interpolation)
    rate = optax.cosine_decay_schedule(budget.learning_rate, budget.steps)
    # As one vector, all that moves is one array: of 150 the update takes as long to compile, and as
    # much memory, as the net's gradient.
    optimizer = optax.flatten(
        optax.chain(
            optax.clip_by_global_norm(budget.gradient_norm),
            optax.sgd(rate, momentum=0.9, nesterov=True),
        )
    )
    state = TrainState.create(_variables(model), optimizer, rng=jax.random.key(seed))
    every = max(1, budget.steps // 20)
    with (
        ImageStream(
            files, crop, batch=budget.batch, domain=_DOMAIN, seed=seed, workers=workers
        ) as stream,
        Checkpoints(folder / "checkpoints") as checkpoints,
    ):
        step = compile_step_by_parts(
            _loss(model),
            optimizer,
            stream.gather,
            total_steps=budget.steps,
            parts=_parts(budget.batch),
            augment=on_images(compose(random_crop(size), random_flip), domain=_DOMAIN),
        )
        first = checkpoints.latest_step or 0
        state = checkpoints.restore(state) if first else state
        with RunLog(
            folder / "metrics.jsonl",
            name=what,
            total_steps=budget.steps,
            first_step=first,
            examples_per_step=budget.batch,
        ) as log:
            state = fit(
                step,
                state,
                stream,
                steps=budget.steps,
                log=log,
                log_every=every,
                checkpoints=checkpoints,
                checkpoint_every=2 * every,
            )
    losses = [each["loss"] for each in read_records(folder / "metrics.jsonl") if "loss" in each]
    return _moved(model, jax.device_get(state)), losses


def _parts(batch: int) -> int:
    """How many equal parts of a batch follow one another in memory: on an accelerator, one."""
    most = _AT_ONCE if jax.default_backend() == "cpu" else batch
    return next(n for n in range(1, batch + 1) if batch % n == 0 and batch // n <= most)


def _variables(model: Model) -> dict[str, Any]:
    """What moves below "params", and the trunk's statistics beside it."""
    trunk = dict(model.trunk.until(model.layer).variables)
    probe = {
        "weights": model.probe.weights / model.temperature,
        "bias": model.probe.bias / model.temperature,
    }
    return {**trunk, "params": {"trunk": trunk["params"], "probe": probe}}


def _loss(model: Model) -> Loss:
    def loss(params: Any, stats: Any, batch: Any, rng: jax.Array, progress: jax.Array):
        del rng, progress
        examples = batch[_DOMAIN]
        variables = {"params": params["trunk"], **stats}
        features = model.trunk(variables, examples["image"], (model.layer,))[model.layer]
        features = l2_normalised(features) if model.unit_length else features
        logits = features @ params["probe"]["weights"] + params["probe"]["bias"][None]
        metrics = cross_entropy(logits, examples["label"])
        return mean_over_batch(*metrics["label_loss"]), (stats, metrics)

    return loss


def _moved(model: Model, state: TrainState) -> Model:
    variables = {"params": state.params["trunk"], **state.stats}
    trunk = model.trunk.until(model.layer)
    probe = LinearProbe(**jax.tree.map(jnp.asarray, state.params["probe"]), excess=jnp.zeros(()))
    return replace(
        model,
        trunk=replace(trunk, variables=variables, sha256=hash_of_weights(variables)),
        probe=probe,
        temperature=1.0,
    )


def hash_of_weights(variables: Mapping[str, Any]) -> str:
    """SHA-256 of weights that are no published file's, which tells their features from others."""
    digest = hashlib.sha256()
    for path, leaf in sorted(flatten_dict(variables, sep="/").items()):
        digest.update(f"{path} {leaf.shape} {leaf.dtype}".encode())
        digest.update(np.ascontiguousarray(leaf).tobytes())
    return digest.hexdigest()
