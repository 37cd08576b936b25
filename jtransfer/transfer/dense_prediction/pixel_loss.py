"""A class for every pixel: the loss of a net of scores, and the stages of its training.

Long, Shelhamer & Darrell, "Fully convolutional networks for semantic segmentation" (CVPR 2015).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from jtransfer.labels import integers, known
from jtransfer.train.step import Loss, Metrics
from jtransfer.train.whole_batch import mean_over_batch
from jtransfer.transfer.finetuning.layers import copy_layers


def pixel_cross_entropy(
    scores: jax.Array,
    masks: jax.Array,
    *,
    ignored: int | None = None,
    weights: Sequence[float] | None = None,
) -> Metrics:
    """Loss and accuracy over the pixels that have a class, as (sum, count) pairs.

    The paper sums the loss over the pixels of an image (section 4.3); this is their mean, weighted
    where the classes are, so that a learning rate does not depend on the size of the images.

    Args:
      scores: [batch, height, width, classes]; the loss is computed in float32.
      masks: [batch, height, width] integers, the class of each pixel; one that is neither a class
        nor `ignored` makes the loss NaN and has no gradient.
      ignored: number in the masks of pixels that are not to be judged; None where there are none.
      weights: of the classes, such as `class_weights` gives; None for all alike.
    """
    classes = scores.shape[-1]
    scores, masks = scores.reshape(-1, classes).astype(jnp.float32), integers(masks.reshape(-1))
    judged = jnp.ones(masks.shape, bool) if ignored is None else masks != ignored
    # Any class will do where nothing is judged: the weight there is 0.
    filled = jnp.where(judged, masks, 0)
    losses = optax.softmax_cross_entropy_with_integer_labels(scores, filled)
    losses = known(losses, filled, classes)
    weight = judged * 1.0
    if weights is not None:
        weight *= jnp.asarray(weights, jnp.float32)[jnp.clip(filled, 0, classes - 1)]
    correct = judged & (scores.argmax(axis=-1) == masks)
    return {
        "label_loss": (jnp.where(judged, weight * losses, 0.0).sum(), weight.sum()),
        "label_accuracy": (correct.sum() * 1.0, judged.sum() * 1.0),
    }


def pixel_loss(
    net: nn.Module,
    *,
    domain: str = "target",
    ignored: int | None = None,
    weights: Sequence[float] | None = None,
) -> Loss:
    """Cross-entropy of a net's scores at every pixel that has a class.

    Args:
      net: from images to scores [batch, height, width, classes], such as `FCN`.
      domain: key of the batch's domain; `batch[domain]` holds `image` and `mask`.
      ignored: as in `pixel_cross_entropy`.
      weights: as in `pixel_cross_entropy`.

    Returns:
      A loss for `make_step`.
    """

    def loss(params: Any, stats: Any, batch: Any, rng: jax.Array, progress: jax.Array):
        del progress
        examples = batch[domain]
        scores, new_stats = net.apply(
            {"params": params, **stats},
            examples["image"],
            train=True,
            mutable=list(stats),
            rngs={"dropout": rng},
        )
        metrics = pixel_cross_entropy(scores, examples["mask"], ignored=ignored, weights=weights)
        return mean_over_batch(*metrics["label_loss"]), (new_stats, metrics)

    return loss


def from_coarser(fresh: Mapping[str, Any], coarser: Mapping[str, Any]) -> dict[str, Any]:
    """Variables of a finer net that scores as the coarser one does (section 4.2).

    FCN-16s is trained from FCN-32s, and FCN-8s from FCN-16s.

    Args:
      fresh: newly initialised variables of an `FCN` of more scored stages.
      coarser: trained variables of one of fewer, with the same trunk and classes.

    Raises:
      LayerError: if the finer net lacks what the coarser one has.
    """
    return copy_layers(fresh, coarser, [*coarser["params"]])
