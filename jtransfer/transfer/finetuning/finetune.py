"""Fine-tuning: who may move, when, and how fast, as data; the train step is everyone's.

A regime (see `regimes`) is a plan of one or several phases, each of which is compiled once. A
frozen layer has no gradient, no weight decay and no optimizer state, and its batch norm keeps its
statistics.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh

from jtransfer.nets.classifier import Classifier
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.compilation import CompiledStep, Gather, compile_step
from jtransfer.train.early_stopping import EarlyStopping
from jtransfer.train.loop import Feed, fit
from jtransfer.train.state import TrainState
from jtransfer.train.step import Loss, make_step
from jtransfer.transfer.features.probe import fit_softmax
from jtransfer.transfer.finetuning.layers import HEAD, TRUNK, Variables, adopt
from jtransfer.transfer.finetuning.regimes import Phase, Regime
from jtransfer.transfer.parameter_groups import FROZEN, ParameterGroups, parameter_groups


@dataclass(frozen=True)
class Program:
    """A phase, compiled.

    Attributes:
      phase: what it is of.
      groups: which parameters move.
      optimizer: of its own: it starts anew with the phase.
      step: from `compile_step`.
      mesh: that it was compiled for.
    """

    phase: Phase
    groups: ParameterGroups
    optimizer: optax.GradientTransformation
    step: CompiledStep
    mesh: Mesh | None = None


def compile_phases(
    net: Classifier,
    params: Any,
    phases: Sequence[Phase],
    gather: Gather,
    *,
    loss: Callable[[Classifier], Loss],
    optimizer: Callable[[int], optax.GradientTransformation],
    augment: Callable[[jax.Array, Any], Any] | None = None,
    mesh: Mesh | None = None,
) -> tuple[Program, ...]:
    """Make the step of every phase; each is compiled when it is first called.

    Args:
      net: the net, no stage of it frozen.
      params: its parameters, or their shapes.
      phases: from `plan` or `freezing`.
      gather: as for `compile_step`.
      loss: makes the loss of a net, such as `partial(supervised_loss, domain="target")`; it is
        given the net with the phase's stages frozen.
      optimizer: makes the optimizer of a phase of so many steps. In `gradual` every phase has a
        schedule of its own, as in the authors' program.
      augment: as for `make_step`.
      mesh: as for `compile_step`.

    Raises:
      RuleError: if a layer of the net is missing in a phase, or nothing would move in it.
    """
    programs = []
    for phase in phases:
        groups = parameter_groups(params, _rules(phase, params))
        grouped = groups.optimizer(optimizer(phase.end - phase.start))
        step = make_step(
            loss(freeze_stages(net, phase.frozen_stages)),
            grouped,
            total_steps=phases[-1].end,
            trainable=groups.trainable,
            augment=augment,
        )
        programs.append(
            Program(phase, groups, grouped, compile_step(step, gather, mesh=mesh), mesh)
        )
    return tuple(programs)


def fine_tune(
    programs: Sequence[Program],
    variables: Variables,
    feed: Feed,
    *,
    rng: jax.Array,
    checkpoints: Checkpoints | None = None,
    early_stopping: EarlyStopping | None = None,
    **options: Any,
) -> TrainState:
    """Train through all phases, or go on from the newest checkpoint.

    A phase takes the steps that the plan gives it. Stopped early, it leaves the rest of them out
    and hands its best state on; its patience is its own, and so is its folder below the given one.

    Args:
      programs: from `compile_phases`.
      variables: to start from.
      feed: gives each step's batch.
      rng: typed key that all the run's randomness is derived from.
      checkpoints: where states are saved, as for `fit`.
      early_stopping: of every phase, as for `fit`, which needs `evaluate` and `evaluate_every` too.
      **options: further arguments of `fit`.

    Returns:
      The state after the last phase; with `early_stopping` the best one of that phase.
    """
    latest = -1 if checkpoints is None else checkpoints.latest_step or -1
    state = TrainState.create(variables, programs[0].optimizer, rng=rng)
    for number, program in enumerate(programs, start=1):
        phase = program.phase
        if latest > phase.end:
            continue
        state = state.replace(opt_state=program.optimizer.init(state.params))
        if checkpoints is not None and latest > phase.start:
            state = checkpoints.restore(state)
        if early_stopping is not None:
            early_stopping.begin(f"phase{number}")
        options |= {"steps": phase.end, "checkpoints": checkpoints, "mesh": program.mesh}
        state = fit(program.step, state, feed, early_stopping=early_stopping, **options)
        if number < len(programs):
            # The best state is of an earlier step, and the next phase begins where this one ends.
            state = state.replace(step=jnp.asarray(phase.end, jnp.int32))
    return state


def initial_variables(
    regime: Regime, fresh: Variables, source: Variables, *, head: Any = None
) -> dict[str, Any]:
    """What a regime starts from: the source's trunk and a new head.

    Args:
      regime: `scratch` starts from `fresh` as it is.
      fresh: newly initialised variables.
      source: the variables of the net that was trained on the source task.
      head: parameters of the head that `lp_ft` starts from, from `probe_head`.

    Raises:
      ValueError: if `lp_ft` has no such head, or the net's head has hidden layers.
      LayerError: if the two trunks differ.
    """
    if regime == "scratch":
        return dict(fresh)
    variables = adopt(fresh, source, reinitialise=(HEAD,))
    if regime != "lp_ft":
        return variables
    shapes = jax.tree.map(jnp.shape, variables["params"][HEAD])
    if head is None or jax.tree.map(jnp.shape, head) != shapes:
        given = "no head" if head is None else f"a head of shapes {jax.tree.map(jnp.shape, head)}"
        raise ValueError(
            f"lp_ft was given {given}; expected {shapes}. It starts from a linear probe: use a "
            "linear head, Head((), classes), and probe_head on the trunk's features"
        )
    return {**variables, "params": {**variables["params"], HEAD: head}}


def probe_head(
    features: np.ndarray, labels: np.ndarray, *, classes: int, C: float = 8.0
) -> dict[str, Any]:
    """Parameters of a linear head that is a softmax probe of the features.

    Args:
      features: [n, dims] float32 of the trunk that will be fine-tuned.
      labels: [n] integers.
      classes: number of outputs.
      C: of `fit_softmax`, on features scaled to a mean length of 1.

    Returns:
      {"out": {"kernel": [dims, classes], "bias": [classes]}}, for features as they are.

    Raises:
      ValueError: if features or labels cannot be used.
    """
    features = np.asarray(features, np.float32)
    length = float(np.linalg.norm(features, axis=1).mean()) or 1.0
    probe = fit_softmax(features / length, labels, C, classes=classes, tolerance=1e-3)
    return {"out": {"kernel": probe.weights / length, "bias": probe.bias}}


def freeze_stages(net: Classifier, stages: Sequence[str]) -> Classifier:
    """The net with stages of its trunk behaving as at test time in training too.

    A step that is told who moves, by `make_step(trainable=...)`, sees to this itself. `stages` are
    a phase's `frozen_stages` or those of `parameter_groups(...)`.
    """
    return net.clone(trunk=net.trunk.clone(frozen=tuple(stages)))


def without_trunk(net: Classifier) -> Classifier:
    """The head alone: a net whose images are the trunk's features, [batch, features].

    With `frozen` these never change: computed once, they are trained on at the head's own cost.
    """
    return net.clone(trunk=Trunk(()))


def require_every_class(labels: np.ndarray, classes: Sequence[str]) -> None:
    """Check that a labelled set has an example of every class.

    Raises:
      ValueError: naming the classes that have none.
    """
    absent = [name for label, name in enumerate(classes) if not (labels == label).any()]
    if absent:
        raise ValueError(
            f"no labelled example of {', '.join(absent)}; expected at least one of each of the "
            f"{len(classes)} classes. Label some, or train a head without these classes"
        )


def _rules(phase: Phase, params: Any) -> dict[str, str | float]:
    """Rules for those layers that have parameters."""
    there = {HEAD, *(f"{TRUNK}/{stage}" for stage in params.get(TRUNK, {}))}
    return {
        f"{re.escape(layer)}/.*": factor or FROZEN
        for layer, factor in phase.factors.items()
        if layer in there
    }
