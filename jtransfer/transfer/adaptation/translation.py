"""Image translation for domain adaptation (Murez et al., CVPR 2018).

The encoder reads the images of both domains into one code, from which each domain's decoder writes
its images. The codes should be such that the label head reads the source's, that no one tells which
domain they are of, and that the images written from them pass for real ones of their domain.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal, get_args

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from jtransfer.train.schedules import sigmoid_ramp
from jtransfer.train.step import Loss, Metrics
from jtransfer.transfer.adaptation.domain_batch import domain_cross_entropy, images_of_both
from jtransfer.transfer.adaptation.gradient_reversal import reverse_gradient
from jtransfer.transfer.supervised import cross_entropy


@dataclass(frozen=True, kw_only=True)
class TranslationWeights:
    """How much each term counts for the encoder, the decoders and the label head.

    The defaults are the paper's for digits. A term of weight 0 is not computed. A discriminator
    learns at full rate, whatever the weight of its game.

    Attributes:
      classification: cross-entropy of the source's codes.
      latent: of the game against the discriminator of codes.
      image: of the game against the discriminators of translated images.
      identity: L1 between an image and what its own domain's decoder writes from its code.
      cycle: L1 between an image and its translation translated back.
      translated_classification: cross-entropy of the codes of the source's translated images.
    """

    classification: float = 1.0
    latent: float = 0.2
    image: float = 0.02
    identity: float = 0.1
    cycle: float = 0.05
    translated_classification: float = 0.0

    def __post_init__(self):
        """Check that no weight is negative and that something is left."""
        for name, weight in asdict(self).items():
            if weight < 0:
                raise ValueError(
                    f"the weight of {name} is {weight}; expected 0 or more: who descends and who "
                    "ascends is settled in the loss"
                )
        if not any(asdict(self).values()):
            raise ValueError("all weights are 0; expected at least one term to learn from")


CodeGame = Literal["inverted", "reversed"]

OWN, OTHER = (0, 1), (1, 0)
"""Domains of a batch's two halves: the source's and the target's own, or each the other."""

Mean = tuple[jax.Array, jax.Array]
"""Sum and count."""

Terms = dict[str, tuple[Any, Mean]]
"""Weight and mean of each term."""


def translation_loss(
    net: nn.Module,
    *,
    weights: TranslationWeights = TranslationWeights(),
    ramp: Callable[[jax.Array], jax.Array] = sigmoid_ramp,
    code_game: CodeGame = "inverted",
) -> Loss:
    """All terms of image translation in one scalar, right for every player.

    The game over the images is of least squares, as CycleGAN's (Zhu et al., ICCV 2017): a
    discriminator pulls real images to 1 and translated ones, which it cannot move, to 0; encoder
    and decoder pull translated ones to 1, by a discriminator that they cannot move. That over the
    codes is of cross-entropy, over both domains together (half the papers' sum of the domains'
    means, see `domain_cross_entropy`), in one of two forms:

    - "inverted", as ADDA's (Tzeng et al., CVPR 2017, eq. 9): the encoder learns to have the
      target's codes taken for the source's, by a discriminator that it cannot move. It learns also
      where the discriminator is sure of itself, and reversal hardly does.
    - "reversed", as DANN's (Ganin et al., JMLR 2016): by gradient reversal, from both domains.

    At weights of zero it is another method's loss: with `image` and `cycle` alone CycleGAN's, both
    encoders being one; with `classification` and `latent` alone and "reversed" DANN's; with
    `latent` alone and "inverted" ADDA's, whose target encoder is then the source's too. The
    target's labels are not looked at.

    Args:
      net: such as `jtransfer.nets.translation.TranslationNet`.
      weights: of the terms.
      ramp: what the weights of both games are multiplied by, as a function of progress from 0 to 1.
      code_game: how the encoder learns the game over the codes.

    Returns:
      A loss for `make_step`; batches hold `source` (`image`, `label`) and as many `target`
      (`image`) examples, images in the range that the decoders write, 0..1.

    Raises:
      ValueError: if `code_game` is neither; when the loss is traced, if the domains' images differ
        in shape, or the decoders write another.
    """
    if code_game not in get_args(CodeGame):
        raise ValueError(
            f"code_game is {code_game!r}; expected one of {', '.join(get_args(CodeGame))}"
        )

    def loss(params: Any, stats: Any, batch: Any, rng: jax.Array, progress: jax.Array):
        images, scale = images_of_both(batch), ramp(progress)

        def call(
            method: str, inputs: jax.Array, *, params: Any = params, key: int = 0, **how: Any
        ) -> Any:
            rngs = {"dropout": jax.random.fold_in(rng, key)}
            return net.apply({"params": params, **stats}, inputs, method=method, rngs=rngs, **how)

        encode = partial(call, "features", train=True, mutable=list(stats))
        decode = partial(call, "decode")

        def label_metrics(codes: jax.Array, *, key: int = 0) -> Metrics:
            logits = call("classify", codes[: len(codes) // 2], train=True, key=key)
            return cross_entropy(logits, batch["source"]["label"])

        terms: Terms = {}
        metrics: Metrics = {}
        codes, new_stats = encode(images, domains=OWN)
        if weights.classification:
            metrics |= label_metrics(codes)
            terms["label_loss"] = weights.classification, metrics["label_loss"]
        if weights.latent:
            discriminate = partial(call, "discriminate", train=True)
            against = scale * weights.latent
            stays = params if code_game == "inverted" else None
            game, metrics["domain_accuracy"] = _code_game(discriminate, codes, against, stays)
            terms |= game
        if weights.identity:
            same = _alike(decode(codes, domains=OWN), images)
            terms["identity_loss"] = weights.identity, _l1(same, images)
        if weights.image or weights.cycle or weights.translated_classification:
            translated = _alike(decode(codes, domains=OTHER), images)
            if weights.image:
                against = scale * weights.image
                terms |= _image_game(partial(call, "judge"), images, translated, against, params)
            if weights.cycle or weights.translated_classification:
                # Running statistics are those of real images: what these would move is dropped.
                again, _ = encode(translated, domains=OTHER, key=1)
                if weights.cycle:
                    back = decode(again, domains=OWN)
                    terms["cycle_loss"] = weights.cycle, _l1(back, images)
                if weights.translated_classification:
                    measured = label_metrics(again, key=1)
                    metrics["translated_label_accuracy"] = measured["label_accuracy"]
                    weighted = weights.translated_classification, measured["label_loss"]
                    terms["translated_label_loss"] = weighted
        value = jnp.zeros(())
        for weight, (total, count) in terms.values():
            value += weight * total / count
        return value, (new_stats, metrics | {name: pair for name, (_, pair) in terms.items()})

    return loss


def _code_game(
    discriminate: Callable[..., jax.Array], codes: jax.Array, against: jax.Array, params: Any | None
) -> tuple[Terms, Mean]:
    """Terms and domain accuracy; with `params`, by inverted labels instead of reversal."""
    seen = reverse_gradient(codes, against) if params is None else lax.stop_gradient(codes)
    metrics = domain_cross_entropy(discriminate(seen))
    terms: Terms = {"domain_loss": (1.0, metrics["domain_loss"])}
    if params is not None:
        of_target = codes[len(codes) // 2 :]
        judged = discriminate(of_target, params=lax.stop_gradient(params)).astype(jnp.float32)
        # Cross-entropy with the source's label, 0.
        terms["encoder_loss"] = against, _mean(jax.nn.softplus(judged))
    return terms, metrics["domain_accuracy"]


def _image_game(
    judge: Callable[..., jax.Array],
    images: jax.Array,
    translated: jax.Array,
    against: jax.Array,
    params: Any,
) -> Terms:
    """The discriminators' least squares on real and translated images, and the translators'."""
    real = judge(images, domains=OWN).astype(jnp.float32)
    fake = judge(lax.stop_gradient(translated), domains=OTHER).astype(jnp.float32)
    fooled = judge(translated, domains=OTHER, params=lax.stop_gradient(params)).astype(jnp.float32)
    errors = jnp.concatenate([jnp.square(real - 1), jnp.square(fake)])
    return {
        "image_loss": (1.0, _mean(errors)),
        "translator_loss": (against, _mean(jnp.square(fooled - 1))),
    }


def _l1(written: jax.Array, images: jax.Array) -> Mean:
    return _mean(jnp.abs(written.astype(jnp.float32) - images.astype(jnp.float32)))


def _mean(values: jax.Array) -> Mean:
    """Sum and count of the first axis, of means over the others."""
    each = values.reshape(len(values), -1).mean(axis=1)
    return each.sum(), jnp.asarray(len(values), jnp.float32)


def _alike(written: jax.Array, images: jax.Array) -> jax.Array:
    if written.shape != images.shape:
        raise ValueError(
            f"the decoders write {written.shape} where the images are {images.shape}; expected "
            "the same: fit the images or the net, whose sides are multiples of four in "
            "translation_net"
        )
    return written
