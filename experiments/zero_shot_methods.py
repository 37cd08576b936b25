"""The zero-shot methods, each with the settings that validation classes choose among."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from jtransfer.data.feeds.resident import Domain, ResidentFeed
from jtransfer.data.sources.attributes import ClassTable
from jtransfer.train.compilation import compile_step
from jtransfer.train.loop import fit
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.zero_shot.attributes import Rule, above_mean, fit_direct, fit_indirect
from jtransfer.transfer.zero_shot.compatibility import (
    Bilinear,
    Objective,
    TwoTowers,
    ale_ranking,
    compatibility_loss,
    contrastive,
    devise_ranking,
    side_by_side,
)
from jtransfer.transfer.zero_shot.eszsl import decompose

Setting = dict[str, float]


@dataclass(frozen=True)
class Fitted:
    """A fitted method.

    Attributes:
      decision: from features [n, dims] and signatures [classes, k] to scores [n, classes].
      embed: from features to the space of the signatures, [n, k]; None where that is another one.
    """

    decision: Callable[[np.ndarray, np.ndarray], Any]
    embed: Callable[[np.ndarray], Any] | None


@dataclass(frozen=True)
class Method:
    """One method.

    Attributes:
      title: in the table.
      settings: to choose from.
      fit: from features, labels, signatures, settings, a seed and the devices' mesh to what was
        fitted, one a setting; closed forms need neither of the last two.
      probabilities: whether signatures are to be from 0 to 1 rather than rows of length 1.
      trained: whether by gradient, so that the seed matters.
    """

    title: str
    settings: tuple[Setting, ...]
    fit: Callable[..., list[Fitted]]
    probabilities: bool = False
    trained: bool = False

    def signatures(self, tables: Sequence[ClassTable], seen: np.ndarray) -> np.ndarray:
        """Rows of all classes as the method takes them: [classes, attributes] float32.

        Args:
          tables: with the same classes; several are put side by side.
          seen: rows of the classes that are trained on; no other row has a say in the scale.
        """
        values = [table.complete() for table in tables]
        if not self.probabilities:
            return side_by_side(*values)
        inside = [each.min() >= 0 and each.max() <= 1 for each in values]
        return np.concatenate(
            [
                each if fits else above_mean(each, each[seen])
                for each, fits in zip(values, inside, strict=True)
            ],
            axis=1,
        )


def _by_attributes(
    kind: Literal["direct", "indirect"], rules: tuple[Rule, ...]
) -> Callable[..., list[Fitted]]:
    """Fit a predictor for each penalty; a setting names its rule by its place in `rules`."""

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


def _eszsl(features, labels, signatures, settings, seed, mesh) -> list[Fitted]:
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


def _by_gradient(
    net: nn.Module, objective: Objective, *, batch: int = 128
) -> Callable[..., list[Fitted]]:
    """Train for each rate once, keeping the parameters at every number of steps."""

    def fit_all(features, labels, signatures, settings, seed, mesh) -> list[Fitted]:
        found: dict[tuple[float, float], Fitted] = {}
        feed = ResidentFeed(
            {"seen": Domain({"feature": features, "label": labels}, batch=batch)}, seed=seed
        )
        loss = compatibility_loss(net, signatures, objective)
        variables = net.init(jax.random.key(seed), features[:1], signatures)
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


def _grid(**values: Sequence[float]) -> tuple[Setting, ...]:
    """Every combination of the named values."""
    settings: list[Setting] = [{}]
    for name, choices in values.items():
        settings = [{**each, name: choice} for each in settings for choice in choices]
    return tuple(settings)


PENALTIES = (1e-3, 3e-4, 1e-4, 3e-5, 1e-5)
TRAINED = _grid(rate=(1e-3, 3e-3), steps=(100, 200, 400, 800))
METHODS: dict[str, Method] = {
    "look_up": Method(
        "table look-up",
        _grid(penalty_an_image=PENALTIES, rule=(0, 1)),
        _by_attributes("direct", ("distance", "direction")),
        True,
    ),
    "dap": Method(
        "DAP", _grid(penalty_an_image=PENALTIES), _by_attributes("direct", ("product",)), True
    ),
    "iap": Method(
        "IAP", _grid(penalty_an_image=PENALTIES), _by_attributes("indirect", ("product",)), True
    ),
    "eszsl": Method(
        "ESZSL", _grid(a=[10.0**p for p in range(-3, 4)], g=[10.0**p for p in range(-3, 4)]), _eszsl
    ),
    "ale": Method("ALE", TRAINED, _by_gradient(Bilinear(), ale_ranking), trained=True),
    "devise": Method("DeViSE", TRAINED, _by_gradient(Bilinear(), devise_ranking), trained=True),
    "towers": Method("two towers", TRAINED, _by_gradient(TwoTowers(), contrastive), trained=True),
}
