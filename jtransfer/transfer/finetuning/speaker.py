"""Speaker adaptation: a speaker-independent acoustic model, moved to one speaker.

Each method is a choice of who moves, by rules over parameter paths, under the one train step:

    input    a linear transform of the input features (Neto et al. 1995)
    first    the first convolution
    middle   the convolutions between
    last     the hidden layer and the head
    head     the head alone
    lhuc     an amplitude of each hidden unit (Swietojanski & Renals 2014)
    full     all weights of the speaker-independent net
    kl       the same, held at the speaker-independent posteriors (Yu et al. 2013)

A whole adaptation is one pure function, so that `jax.vmap` adapts to many speakers at once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jtransfer.labels import one_hot
from jtransfer.nets.classifier import Classifier
from jtransfer.train.state import TrainState
from jtransfer.train.step import Loss, make_step
from jtransfer.transfer.finetuning.finetune import freeze_stages
from jtransfer.transfer.parameter_groups import FROZEN, FULL, ParameterGroups, parameter_groups
from jtransfer.transfer.supervised import supervised_loss

Method = Literal["input", "first", "middle", "last", "head", "lhuc", "full", "kl"]
METHODS: tuple[Method, ...] = get_args(Method)

INPUT, AMPLITUDES = "trunk/input/.*", ".*/amplitude/.*"
_MOVING: dict[Method, tuple[str, ...]] = {
    "input": (INPUT,),
    "first": ("trunk/conv1/.*",),
    "middle": ("trunk/conv[23]/.*",),
    "last": ("trunk/fc4/.*", "head/.*"),
    "head": ("head/.*",),
    "lhuc": (AMPLITUDES,),
}


def speaker_rules(method: Method) -> dict[str, str | float]:
    """Who moves in a method, for `parameter_groups` of a `jtransfer.nets.acoustic.acoustic_net`.

    `full` is also who moves in speaker-independent training: the input transform stays the identity
    and all amplitudes 1.

    Raises:
      ValueError: if the method is unknown.
    """
    if method not in METHODS:
        raise ValueError(f"no method {method!r}; expected one of {', '.join(METHODS)}")
    if method in ("full", "kl"):
        return {INPUT: FROZEN, AMPLITUDES: FROZEN, ".*": FULL}
    own: dict[str, str | float] = (
        {} if method in ("input", "lhuc", "head") else {AMPLITUDES: FROZEN}
    )
    return {**own, **dict.fromkeys(_MOVING[method], FULL), ".*": FROZEN}


def interpolated_targets(labels: jax.Array, posteriors: jax.Array, rho: jax.Array) -> jax.Array:
    """Targets of KL-regularised adaptation: (1 - rho) label + rho posterior (Yu 2013, eq. 6).

    To minimise the cross-entropy with them is to minimise (1 - rho) times the cross-entropy with
    the labels plus rho times the divergence from the speaker-independent posteriors.

    Args:
      labels: [..., n] integers.
      posteriors: [..., n, classes], of the speaker-independent net on the same utterances.
      rho: [...] or a number from 0, plain adaptation, to 1, no adaptation.

    Returns:
      [..., n, classes].
    """
    hard = one_hot(labels, posteriors.shape[-1])
    weight = jnp.asarray(rho)[..., None, None]
    weight = weight.reshape((1,) * (hard.ndim - weight.ndim) + weight.shape)
    return (1 - weight) * hard + weight * posteriors


@dataclass(frozen=True)
class Run:
    """All that one adaptation starts from; with a leading axis on every leaf, all that many do.

    Attributes:
      variables: of the speaker-independent net.
      images: frames [n, frames, bands] and mask [n, frames] of the speaker's utterances.
      targets: [n, classes], from `interpolated_targets`.
      order: [steps, batch] positions below n, the utterances of each step.
      rate: learning rate.
      rng: typed key.
    """

    variables: Any
    images: tuple[jax.Array, jax.Array]
    targets: jax.Array
    order: jax.Array
    rate: jax.Array
    rng: jax.Array


jax.tree_util.register_dataclass(Run)

Adaptation = Callable[[Run], Any]


def make_adaptation(
    net: Classifier,
    params: Any,
    method: Method,
    *,
    steps: int,
    optimizer: Callable[[jax.Array], optax.GradientTransformation] = optax.adam,
) -> Adaptation:
    """A method of adaptation as a pure function from a `Run` to the speaker's parameters.

    Layers of which nothing moves behave as at test time. `jax.jit` of it adapts to one speaker,
    `over_runs` to many at once.

    Args:
      net: from `acoustic_net`.
      params: its parameters, or their shapes.
      method: who moves.
      steps: of the run, as many as its `order` has.
      optimizer: makes the optimizer of a learning rate, which may be traced.
    """
    groups = parameter_groups(params, speaker_rules(method))
    loss = adaptation_loss(net, groups)

    def adapt(run: Run) -> Any:
        grouped = groups.optimizer(optimizer(run.rate))
        step = make_step(loss, grouped, total_steps=steps, trainable=groups.trainable)

        def one(state: TrainState, positions: jax.Array):
            examples = {"image": run.images, "label": run.targets}
            batch = {"target": jax.tree.map(lambda values: values[positions], examples)}
            return step(state, batch)[0], None

        state = TrainState.create(run.variables, grouped, rng=run.rng)
        return lax.scan(one, state, run.order)[0].params

    return adapt


def adaptation_loss(net: Classifier, groups: ParameterGroups) -> Loss:
    """Cross-entropy on `batch["target"]`, stages of which nothing moves being as at test time."""
    return supervised_loss(freeze_stages(net, groups.frozen_stages), domain="target")


def over_runs(
    adaptations: Mapping[str, Adaptation], *, mesh: Mesh | None = None
) -> Callable[[Mapping[str, Run]], Any]:
    """One program that adapts by every method to every run of it at once.

    Args:
      adaptations: {name: from `make_adaptation`}.
      mesh: from `data_mesh`; every device takes its share of the runs, which it must divide.

    Returns:
      A compiled function from {name: runs}, their leaves with a leading axis, to {name: parameters}
      with the same leading axis. It computes what `jax.jit` of each adaptation does run by run.
    """
    mapped = {name: jax.vmap(adapt) for name, adapt in adaptations.items()}

    def adapt_all(runs: Mapping[str, Run]) -> Any:
        return {name: mapped[name](each) for name, each in runs.items()}

    if mesh is None:
        return jax.jit(adapt_all)
    shares = NamedSharding(mesh, PartitionSpec(mesh.axis_names[0]))
    return jax.jit(adapt_all, in_shardings=(shares,), out_shardings=shares)


def error_reduction(before: float, after: float) -> float:
    """Share of the errors that adaptation takes away; below 0 where it adds some.

    Args:
      before: accuracy of the speaker-independent net.
      after: accuracy of the adapted one.

    Raises:
      ValueError: if there was no error.
    """
    if not 0 <= before < 1:
        raise ValueError(f"accuracy {before} before adaptation; expected one from 0 to below 1")
    return (after - before) / (1 - before)
