"""Who may move: rules over parameter paths, turned into one optax transformation.

Freezing by a mask around the optimizer is easy to get wrong: weight decay still moves what a mask
in front of it freezes, and raw gradients pass what a mask around it leaves out. Here every
parameter belongs to exactly one group, and a frozen one gets no update and no optimizer state. Nor
do statistics move or units drop where all is frozen, if `make_step` is given `trainable`.
"""

import difflib
import operator
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import optax

from jtransfer.transfer.finetuning.layers import TRUNK

FROZEN = "frozen"
FULL = "full"

Rules = Mapping[str, str | float]


class RuleError(ValueError):
    """A rule and the parameters do not fit."""


@dataclass(frozen=True)
class ParameterGroups:
    """Parameters sorted into groups by rules.

    Attributes:
      labels: tree like the parameters, each leaf the name of its group.
      scales: name of each group to the factor on its updates; 0 for the frozen one.
    """

    labels: Any
    scales: Mapping[str, float]

    @property
    def trainable(self) -> Any:
        """Tree of booleans like the parameters: False where frozen; for `make_step`."""
        return jax.tree.map(lambda label: label != FROZEN, self.labels)

    @property
    def frozen_stages(self) -> tuple[str, ...]:
        """Names of the trunk's stages of whose parameters none moves, for `freeze_stages`.

        `make_step` finds them by itself from `trainable`; a net that is used without it does not.
        """
        stages = self.trainable.get(TRUNK, {})
        return tuple(name for name, tree in stages.items() if not any(jax.tree.leaves(tree)))

    def optimizer(
        self, base: optax.GradientTransformation, *, clip: float | None = None
    ) -> optax.GradientTransformation:
        """`base` for every group, its updates scaled, and nothing at all for the frozen one.

        Args:
          base: optimizer of one group.
          clip: largest norm of the gradient of all moving parameters together; a longer one is
            shortened (Pascanu et al., ICML 2013). None leaves it alone.

        Raises:
          ValueError: if `clip` is not positive.
        """
        transforms: dict[Hashable, optax.GradientTransformation] = {
            name: optax.set_to_zero() if name == FROZEN else _scaled(base, scale)
            for name, scale in self.scales.items()
        }
        grouped = optax.multi_transform(transforms, self.labels)
        if clip is None:
            return grouped
        if not clip > 0:
            raise ValueError(f"clip is {clip}; expected a positive norm, or None not to clip")
        # In front of the groups, or each would be clipped by itself; and without the gradients of
        # frozen parameters, which a step that computes them would add to the norm.
        frozen = jax.tree.map(operator.not_, self.trainable)
        return optax.chain(
            optax.masked(optax.set_to_zero(), frozen), optax.clip_by_global_norm(clip), grouped
        )

    def count(self, params: Any) -> tuple[int, int]:
        """Number of (moving, frozen) parameters."""
        sizes = jax.tree.map(
            lambda leaf, moves: (leaf.size * moves, leaf.size * (not moves)), params, self.trainable
        )
        pairs = jax.tree.leaves(sizes, is_leaf=lambda node: isinstance(node, tuple))
        return sum(moving for moving, _ in pairs), sum(frozen for _, frozen in pairs)


def parameter_groups(params: Any, rules: Rules) -> ParameterGroups:
    """Sort parameters by rules.

    Args:
      params: parameter tree of nested dicts.
      rules: regular expression over a parameter's whole path, such as `trunk/conv1/.*`, to
        "frozen", "full", or a positive factor on the learning rate. The first rule that matches a
        path decides.

    Returns:
      The groups; those of equal factors are one.

    Raises:
      RuleError: if a parameter is covered by no rule, a rule decides about no parameter, or every
        parameter would be frozen.
    """
    factors = {pattern: _factor(pattern, value) for pattern, value in rules.items()}
    paths = [_path(keys) for keys, _ in jax.tree_util.tree_leaves_with_path(params)]
    deciding = {path: _deciding_rule(path, rules) for path in paths}
    uncovered = [path for path, rule in deciding.items() if not rule]
    if uncovered:
        raise RuleError(
            f"no rule covers {_some(uncovered)}; the rules are {list(rules)}. "
            "Add a rule that says whether they are 'frozen' or 'full'"
        )
    for rule in rules:
        if rule not in deciding.values():
            matched = [path for path in paths if re.fullmatch(rule, path)]
            if matched:
                raise RuleError(
                    f"rule {rule!r} decides nothing: earlier rules already cover {_some(matched)}. "
                    "Put the more special rule first"
                )
            close = difflib.get_close_matches(rule, paths, n=3, cutoff=0.0)
            raise RuleError(f"rule {rule!r} matches no parameter; the closest are {_some(close)}")
    if not any(factors.values()):
        raise RuleError(
            f"the rules {dict(rules)} freeze all {len(paths)} leaves of the parameters; expected "
            "some that move, such as the head's. Give one rule 'full' or a factor"
        )
    labels = jax.tree_util.tree_map_with_path(
        lambda keys, _: _group_name(factors[deciding[_path(keys)]]), params
    )
    return ParameterGroups(labels, {_group_name(factor): factor for factor in factors.values()})


def _factor(pattern: str, value: str | float) -> float:
    if value == FROZEN:
        return 0.0
    if value == FULL:
        return 1.0
    if isinstance(value, str) or not 0 < value < float("inf"):
        raise RuleError(
            f"rule {pattern!r} gives {value!r}; expected 'frozen', 'full' or a positive factor"
        )
    return float(value)


def _group_name(factor: float) -> str:
    return {0.0: FROZEN, 1.0: FULL}.get(factor, f"scaled by {factor:g}")


def _scaled(base: optax.GradientTransformation, scale: float) -> optax.GradientTransformation:
    return base if scale == 1.0 else optax.chain(base, optax.scale(scale))


def _deciding_rule(path: str, rules: Rules) -> str:
    return next((rule for rule in rules if re.fullmatch(rule, path)), "")


def _path(keys: tuple[Any, ...]) -> str:
    return jax.tree_util.keystr(keys, simple=True, separator="/")


def _some(paths: list[str], most: int = 5) -> str:
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(paths[:most]) + more
