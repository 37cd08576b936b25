"""Self-training with a mean teacher: confident guesses on the target, kept under augmentation.

Self-ensembling (French, Mackiewicz & Fisher, ICLR 2018) in the form of AdaMatch (Berthelot et al.,
ICLR 2022), beside the adversary of domain-adversarial training: an average of the net's own past
parameters, the teacher, guesses the classes of the target's images; the net learns the confident
guesses on augmented copies of them.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax import lax

from jtransfer.train.schedules import sigmoid_ramp
from jtransfer.train.step import Loss
from jtransfer.train.whole_batch import mean_over_parts
from jtransfer.transfer.adaptation.class_shares import even_shares, moved_shares
from jtransfer.transfer.adaptation.domain_batch import domain_cross_entropy, images_of_both
from jtransfer.transfer.adaptation.gradient_reversal import reverse_gradient
from jtransfer.transfer.supervised import cross_entropy

TEACHER = "teacher"
# Added to the frequency of a class that is never guessed.
_RARE = 1e-6


def half_cosine_ramp(progress: jax.Array) -> jax.Array:
    """1/2 - cos(min(pi, 2 pi p)) / 2: from 0 to 1 in the first half of a run (AdaMatch)."""
    return 0.5 - 0.5 * jnp.cos(jnp.pi * jnp.minimum(1.0, 2.0 * progress))


def with_teacher(variables: Any, *, classes: int) -> Any:
    """Variables of a net with its teacher beside them, for `TrainState.create`.

    Args:
      variables: what the net's `init` returns.
      classes: how many there are.

    Returns:
      The same with the collection `teacher`: `variables` (at first a copy), and the running
      frequencies of the source's `labels` and of the teacher's `guesses` on the target, [classes].
    """
    return {**variables, TEACHER: {"variables": dict(variables), **even_shares(classes)}}


def teacher_variables(stats: Any) -> Any:
    """The teacher's variables out of a state's `stats`: what to predict with, by `net.apply`.

    Raises:
      ValueError: if there is no teacher.
    """
    if TEACHER not in stats:
        raise ValueError(
            f"there is no teacher among the collections {sorted(stats)}; make the state from "
            "with_teacher(variables, classes=...)"
        )
    return stats[TEACHER]["variables"]


def mean_teacher_loss(
    net: nn.Module,
    *,
    augment: Callable[[jax.Array, jax.Array], jax.Array],
    decay: float = 0.99,
    threshold: float = 0.9,
    temperature: float = 0.5,
    align: float = 1.0,
    weight: Callable[[jax.Array], jax.Array] = half_cosine_ramp,
    reversal: Callable[[jax.Array], jax.Array] | None = sigmoid_ramp,
) -> Loss:
    """The label loss on the source, that of the teacher's guesses on the target, and DANN's.

    The guess on a target image is the teacher's class distribution, multiplied by how frequent the
    classes are among the source's labels over how frequent among the guesses, and normalised
    (AdaMatch's distribution alignment, which takes the guesses on the source for its labels, and
    one batch for a running average), to the power of 1 / temperature, normalised again (the
    sharpening of MixMatch; Berthelot et al., NeurIPS 2019). It counts if its largest probability is
    then above `threshold` times the mean of the largest on the source (AdaMatch's relative
    confidence threshold).

    The teacher sees the images of both domains as they are, and its batch-norm statistics are those
    of what it sees. It gets no gradient: at each step its parameters move towards the net's. The
    target's labels are not looked at.

    Args:
      net: a module with `features`, `classify` and, for `reversal`, `discriminate`.
      augment: from a typed key and images [batch, ...] to images, as the loss is given them (so
        after centring); of all images that the net learns from.
      decay: share of the teacher, and of the frequencies, that is kept at each step.
      threshold: of a guess that counts, as a share of the confidence on the source.
      temperature: of the sharpening; 1 for none.
      align: power of the quotient of the frequencies; 0 leaves the guesses as they are. AdaMatch's
        1 makes their frequencies the source's; a smaller one, where the target's are known to
        differ, only keeps classes from vanishing among the guesses.
      weight: of the target's loss, as a function of progress from 0 to 1.
      reversal: lambda of the domain-adversarial loss, half of the paper's (see `dann_loss`); None
        for no such loss.

    Returns:
      A loss for `make_step`, whose state is created from `with_teacher(...)`; batches hold `source`
      (`image`, `label`) and as many `target` (`image`) examples.

    Raises:
      ValueError: if `decay`, `threshold` or `align` is not between 0 and 1, or the temperature not
        above 0.
    """
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; expected a number above 0, such as 0.5")
    for name, value in (("decay", decay), ("threshold", threshold), ("align", align)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} is {value}; expected a number from 0 to 1")

    def loss(params: Any, stats: Any, batch: Any, rng: jax.Array, progress: jax.Array):
        images, labels = images_of_both(batch), batch["source"]["label"]
        count = len(images) // 2
        of_augmentation, of_net, of_teacher = jax.random.split(rng, 3)
        collections = [name for name in stats if name != TEACHER]

        def classify(net: Any, images: jax.Array, scale: jax.Array | None = None):
            features = net.features(images, train=True, domains=(0, 1))
            logits = net.classify(features, train=True).astype(jnp.float32)
            if scale is None:
                return logits, None
            return logits, net.discriminate(reverse_gradient(features, scale), train=True)

        def apply(variables: Any, rng: jax.Array, *inputs: Any) -> Any:
            rngs = {"dropout": rng}
            return net.apply(variables, *inputs, method=classify, mutable=collections, rngs=rngs)

        teacher, its_variables = stats[TEACHER], teacher_variables(stats)
        # In the precision of the net's parameters, which `in_bfloat16` rounds.
        its_params = jax.tree.map(lambda a, b: a.astype(b.dtype), its_variables["params"], params)
        its_variables = {**its_variables, "params": its_params}
        (taught, _), taught_stats = apply(its_variables, of_teacher, images)
        known, guessed = jnp.split(jax.nn.softmax(taught.astype(jnp.float32)), 2)
        frequencies = moved_shares(teacher, labels, guessed, decay=decay)
        if align:
            relative = frequencies["labels"] / (frequencies["guesses"] + _RARE)
            guessed = guessed * (relative**align)[None]
        guesses = _sharpened(guessed, temperature)
        confidence = mean_over_parts(known.max(axis=1).mean())
        confident = guesses.max(axis=1) > threshold * confidence

        variables = {"params": params, **{name: stats[name] for name in collections}}
        scale = None if reversal is None else reversal(progress)
        augmented = augment(of_augmentation, images)
        (logits, domain_logits), new_stats = apply(variables, of_net, augmented, scale)
        of_target = logits[count:].astype(jnp.float32)
        losses = optax.softmax_cross_entropy(of_target, lax.stop_gradient(guesses))
        losses = jnp.where(confident, losses, 0.0)

        number = jnp.asarray(count, jnp.float32)
        metrics = cross_entropy(logits[:count], labels)
        metrics |= {
            "guess_loss": (losses.sum(), number),
            "confident": (confident.sum() * 1.0, number),
        }
        value = metrics["label_loss"][0] / number + weight(progress) * losses.mean()
        if domain_logits is not None:
            metrics["domain_loss"] = domain_cross_entropy(domain_logits)["domain_loss"]
            value = value + metrics["domain_loss"][0] / (2 * number)
        moved = {
            "variables": {
                "params": _average(teacher["variables"]["params"], params, decay),
                **taught_stats,
            },
            **frequencies,
        }
        return value, ({**new_stats, TEACHER: lax.stop_gradient(moved)}, metrics)

    return loss


def _sharpened(guesses: jax.Array, temperature: float) -> jax.Array:
    """Rows [n, classes] to the power of 1 / temperature, normalised."""
    # As shares of the largest, of which something is left at any temperature.
    guesses = guesses / guesses.max(axis=1, keepdims=True)
    sharpened = guesses ** (1 / temperature)
    return sharpened / sharpened.sum(axis=1, keepdims=True)


def _average(old: Any, new: Any, decay: float) -> Any:
    return jax.tree.map(lambda a, b: decay * a + (1 - decay) * b.astype(a.dtype), old, new)
