"""Several tasks on one trunk, trained together (Caruana, Machine Learning 1997).

Tasks may share their images, with several labels each, or bring their own: then a batch is mixed
(`jt.data.feeds.task_mixture`), and the labels that an image does not have are missing. Auxiliary
tasks are tasks whose heads are dropped afterwards, by `keep_head`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from jtransfer.nets.classifier import Classifier
from jtransfer.nets.multitask import MultitaskNet
from jtransfer.train.frozen import is_frozen
from jtransfer.train.step import Loss
from jtransfer.train.whole_batch import key_of_batch, mean_over_batch, mean_over_parts
from jtransfer.transfer.adaptation.gradient_reversal import reverse_gradient
from jtransfer.transfer.finetuning.layers import HEAD, TRUNK, Variables
from jtransfer.transfer.multitask.masked_criteria import Criterion
from jtransfer.transfer.multitask.task_weights import (
    WEIGHTS,
    Compared,
    FixedWeights,
    TaskError,
    TaskView,
    Weighting,
    require_tasks,
)


def multitask_loss(
    net: MultitaskNet,
    criteria: Mapping[str, Criterion],
    *,
    weighting: Weighting | None = None,
    domain: str = "source",
    domain_index: int = 0,
) -> Loss:
    """The weighted losses of several tasks; a task without labels in a batch contributes 0.

    A weighting that compares the tasks' gradients gets them from a backward pass for each task,
    which sees no parameters but the trunk's moving ones that it asks for. Stages that are named in
    `net.trunk.frozen`, or frozen by the rules of the step, count for none. Where the batch comes in
    parts, gradients of the whole are compared, which are kept for every task meanwhile.

    Args:
      net: with a head for every task.
      criteria: of each task, `masked_cross_entropy`, `masked_squared_error`, or any other that
        gives a "loss" whose sum is 0 if its count is.
      weighting: `FixedWeights`, `UncertaintyWeights`, `GradNorm` or `PCGrad`; by default all losses
        weigh 1. The variables that it trains are from `with_task_weights`.
      domain: key of the batch's domain; `batch[domain]` holds `image` and each task's labels under
        its name.
      domain_index: which of the net's per-domain batch-norm statistics are used and moved.

    Returns:
      A loss for `make_step`, whose metrics are each criterion's and the weight with which a task
      reaches the trunk: `<task>_loss`, `<task>_accuracy`, `<task>_weight`.

    Raises:
      TaskError: if criteria and heads are not of the same tasks, or every stage is frozen that the
        weighting would compare; when the step is traced, if a batch lacks a task's labels.
    """
    tasks = tuple(criteria)
    require_tasks(criteria, tuple(net.heads), "criteria")
    weighting = weighting or FixedWeights()
    _compared_stages(net, weighting.compares)

    def loss(params: Any, stats: Any, batch: Any, rng: jax.Array, progress: jax.Array):
        del progress
        examples = batch[domain]
        require_tasks(
            {name: labels for name, labels in examples.items() if name in tasks},
            tasks,
            f"the labels of {domain!r} (-1 or NaN where missing)",
        )
        stages = _compared_stages(net, weighting.compares)
        dropout_key, _ = jax.random.split(rng)
        _, weighting_key = jax.random.split(key_of_batch(rng))
        own_stats = {name: tree for name, tree in stats.items() if name != WEIGHTS}

        def losses_of(params: Any, trunk_factors: jax.Array):
            """The mean loss of each task [tasks], and (statistics, metrics of each task)."""

            def forward(net: MultitaskNet):
                features = net.features(examples["image"], train=True, domains=(domain_index,))
                return {
                    # Not reversed but scaled, as two signs are none.
                    task: net.answer(reverse_gradient(features, -factor), task, train=True)
                    for task, factor in zip(tasks, trunk_factors, strict=True)
                }

            of_net = {name: tree for name, tree in params.items() if name != WEIGHTS}
            outputs, new_stats = net.apply(
                {"params": of_net, **own_stats},
                method=forward,
                mutable=list(own_stats),
                rngs={"dropout": dropout_key},
            )
            measured = {task: criteria[task](outputs[task], examples[task]) for task in tasks}
            losses = mean_over_batch(*_stacked(measured[task]["loss"] for task in tasks))
            return losses, (new_stats, measured)

        # A look at the tasks while nothing moves; XLA merges its forward pass with the other one
        # and drops what the weighting does not ask for.
        stopped = jax.lax.stop_gradient(params)

        def look(shared: Any):
            trunk = {**stopped.get(TRUNK, {}), **shared}
            losses, (_, measured) = losses_of({**stopped, TRUNK: trunk}, jnp.ones(len(tasks)))
            return losses, _stacked(measured[task]["loss"] for task in tasks)[1]

        shared = {stage: stopped[TRUNK][stage] for stage in stages}
        first_losses, pull, counts = jax.vjp(look, shared, has_aux=True)
        gradients = [pull(task)[0] for task in jnp.eye(len(tasks))]
        losses, counts, gradients = mean_over_parts((first_losses, counts, gradients))
        weighed = weighting(
            TaskView(
                tasks=tasks,
                labelled=counts > 0,
                losses=losses,
                products=_inner_products(gradients),
                params=params.get(WEIGHTS),
                stats=stats.get(WEIGHTS),
                key=weighting_key,
            )
        )
        losses, (new_stats, measured) = losses_of(params, weighed.trunk)
        if WEIGHTS in stats:
            new_stats = {**new_stats, WEIGHTS: weighed.stats}
        metrics = {
            f"{task}_{name}": pair for task in tasks for name, pair in measured[task].items()
        }
        metrics |= {
            f"{task}_weight": (weight, jnp.ones(()))
            for task, weight in zip(tasks, weighed.losses * weighed.trunk, strict=True)
        }
        return (weighed.losses * losses).sum() + weighed.penalty, (new_stats, metrics)

    return loss


def keep_head(
    net: MultitaskNet, variables: Variables, task: str
) -> tuple[Classifier, dict[str, Any]]:
    """Train together, then keep one head: a task's own net, of the trunk and its head.

    Args:
      net: that was trained on several tasks.
      variables: its variables, `{"params": state.params, **state.stats}`.
      task: whose head is kept.

    Returns:
      The net and its variables, the very arrays that were given.

    Raises:
      TaskError: if the net has no such task.
    """
    if task not in net.heads:
        raise TaskError(f"no task {task!r}; the net's are {', '.join(net.heads)}. Name one of them")
    names = {TRUNK: TRUNK, f"heads_{task}": HEAD}
    kept = {
        collection: {names[part]: leaves for part, leaves in tree.items() if part in names}
        for collection, tree in variables.items()
        if collection != WEIGHTS
    }
    return Classifier(net.trunk, net.heads[task]), kept


def _stacked(pairs: Iterable[tuple[jax.Array, jax.Array]]) -> tuple[jax.Array, jax.Array]:
    """Sums and counts of several means, [means] each."""
    totals, counts = zip(*pairs, strict=True)
    return jnp.stack(totals), jnp.stack(counts)


def _compared_stages(net: MultitaskNet, compares: Compared) -> tuple[str, ...]:
    """Names of the trunk's stages whose gradients are compared."""
    names = net.trunk.stage_names
    moving = tuple(
        name for name in names if name not in net.trunk.frozen and not is_frozen((TRUNK, name))
    )
    if compares == "nothing":
        return ()
    if not moving:
        raise TaskError(
            f"all stages of the trunk are frozen, {', '.join(names)}; expected one that "
            "moves, in which tasks can conflict. Choose FixedWeights or UncertaintyWeights"
        )
    return moving if compares == "trunk" else moving[-1:]


def _inner_products(trees: list[Any]) -> jax.Array:
    """Of every two trees: [trees, trees] float32."""
    products = jnp.zeros((len(trees), len(trees)))
    for leaves in zip(*map(jax.tree.leaves, trees), strict=True):
        rows = jnp.stack([leaf.ravel() for leaf in leaves]).astype(jnp.float32)
        products += jnp.matmul(rows, rows.T, precision="highest")
    return products
