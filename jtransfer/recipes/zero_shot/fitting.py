"""How methods are fitted: all settings at once, so that they share what they have in common.

Every fit is called with features [n, dims], labels [n] (rows of the signatures), signatures
[classes, k], the settings, a seed and the devices' mesh, and answers with a `Fitted` a setting.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from jtransfer.data.feeds.resident import Domain, ResidentFeed
from jtransfer.nets.initial import initial
from jtransfer.recipes.zero_shot.method import Fitted
from jtransfer.train.compilation import compile_step
from jtransfer.train.loop import fit
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.zero_shot.attributes import Rule, fit_direct, fit_indirect
from jtransfer.transfer.zero_shot.compatibility import (
    Objective,
    TwoTowers,
    compatibility_loss,
)
from jtransfer.transfer.zero_shot.eszsl import decompose


def by_attributes(
    kind: Literal["direct", "indirect"], rules: tuple[Rule, ...]
) -> Callable[..., list[Fitted]]:
    """DAP, IAP or the look-up: a predictor for each penalty (Lampert et al., CVPR 2009).

    Args:
      kind: whether attributes are learned, or classes whose attributes then are the image's.
      rules: how a row of the table is chosen; a setting names one by its place here.

    Returns:
      A fit whose settings have `penalty_an_image`, and a `rule` where there are several.
    """

    def fit_all(features, labels, signatures, settings, seed, mesh) -> list[Fitted]:
        del seed, mesh
        fits = {"direct": fit_direct, "indirect": fit_indirect}
        penalties = sorted({each["penalty_an_image"] for each in settings})
        totals = [each * len(features) for each in penalties]
        fitted = fits[kind](features, labels, signatures, totals, tolerance=1e-4, most=200)
        by_penalty = dict(zip(penalties, fitted, strict=True))
        found = []
        for each in settings:
            predictor = by_penalty[each["penalty_an_image"]]
            rule = rules[int(each.get("rule", 0))]
            found.append(Fitted(partial(predictor.decision, rule=rule), predictor.probabilities))
        return found

    return fit_all


def eszsl(features, labels, signatures, settings, seed, mesh) -> list[Fitted]:
    """ESZSL for every (a, g) of the settings, from two eigendecompositions; see `decompose`."""
    del seed, mesh
    grid = decompose(features, labels, signatures)

    def embed(params, features):
        return features @ np.asarray(params.weights)

    # The solution waits until it is asked for: the grid is large and its weights are not small.
    return [
        Fitted(
            lambda features, signatures, at=each: grid.solve(**at).decision(features, signatures),
            lambda features, at=each: embed(grid.solve(**at), features),
        )
        for each in settings
    ]


def by_gradient(
    net: nn.Module, objective: Objective, *, batch: int = 128
) -> Callable[..., list[Fitted]]:
    """Train for each rate once, keeping the parameters at every number of steps.

    Args:
      net: from features and signatures to scores [n, classes].
      objective: of `compatibility_loss`.
      batch: images a step.

    Returns:
      A fit whose settings have the learning `rate` of Adam and the number of `steps`.
    """

    def fit_all(features, labels, signatures, settings, seed, mesh) -> list[Fitted]:
        found: dict[tuple[float, float], Fitted] = {}
        feed = ResidentFeed(
            {"seen": Domain({"feature": features, "label": labels}, batch=batch)}, seed=seed
        )
        loss = compatibility_loss(net, signatures, objective)
        variables = initial(net, jax.random.key(seed), features[:1], signatures)
        for rate in sorted({each["rate"] for each in settings}):
            steps = sorted(int(each["steps"]) for each in settings if each["rate"] == rate)
            optimizer = optax.adam(rate)
            step = make_step(loss, optimizer, total_steps=steps[-1])
            compiled = compile_step(step, feed.gather, mesh=mesh)
            state = TrainState.create(variables, optimizer, rng=jax.random.key(seed + 1))
            for number in steps:
                state = fit(compiled, state, feed, steps=number, mesh=mesh)
                # A copy: the next step uses up the state.
                params = jax.tree.map(jnp.array, state.params)
                found[rate, number] = Fitted(
                    lambda features, signatures, params=params: net.apply(
                        {"params": params}, features, signatures
                    ),
                    None
                    if isinstance(net, TwoTowers)
                    else lambda features, params=params: features @ params["f"]["kernel"],
                )
        return [found[each["rate"], int(each["steps"])] for each in settings]

    return fit_all
