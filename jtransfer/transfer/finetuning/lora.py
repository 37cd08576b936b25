"""LoRA: move a kernel by the product of two thin matrices (Hu et al., ICLR 2022)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jax import lax

from jtransfer.train.step import Loss
from jtransfer.transfer.finetuning.layers import HEAD, LayerError, Variables
from jtransfer.transfer.parameter_groups import FROZEN, FULL

DIFFERENCE = "lora"  # the parameters' subtree that holds the thin matrices
DOWN, UP = "down", "up"

Path = tuple[str, ...]


@dataclass(frozen=True)
class LoRA:
    """Kernels stay as they are, W0, and a difference of low rank is learned beside each.

    W = W0 + alpha / rank · A B (section 4.1, equation 3, transposed: kernels are [in, out] here),
    where A [in, rank] begins normal with variance 1 / in and B [rank, out] at 0: nothing changes at
    the start. The authors' program draws A uniformly with a third of that variance.

    The difference is part of the parameters, {..., "lora": {path of the kernel: {down, up}}}, so
    that steps, optimizers, checkpoints and rules are those of every net:

    >>> lora = LoRA(r"trunk/.*/kernel", rank=2)
    >>> params = {"trunk": {"fc1": {"kernel": jnp.ones((8, 6))}}, "head": {"bias": jnp.zeros(3)}}
    >>> variables = lora.adapt({"params": params}, key=jax.random.key(0))
    >>> jax.tree.map(jnp.shape, variables["params"]["lora"])
    {'trunk': {'fc1': {'kernel': {'down': (8, 2), 'up': (2, 6)}}}}
    >>> lora.rules()
    {'lora/.*': 'full', 'head/.*': 'full', '.*': 'frozen'}

    Attributes:
      layers: regular expression over the whole paths of parameters; all that it matches must be
        kernels of linear layers [in, out] or of 1x1 convolutions [1, 1, in, out].
      rank: of the difference.
      alpha: its weight, which a change of rank leaves alone.

    Raises:
      ValueError: if rank or alpha is not positive.
    """

    layers: str
    rank: int = 8
    alpha: float = 16.0

    def __post_init__(self):
        """Check the numbers."""
        if self.rank < 1 or not self.alpha > 0:
            raise ValueError(
                f"LoRA of rank {self.rank} and alpha {self.alpha}; expected a rank of at least 1 "
                "and a positive alpha"
            )

    def adapt(self, variables: Variables, *, key: jax.Array) -> dict[str, Any]:
        """The variables, and a new difference that changes nothing yet.

        Raises:
          LayerError: if `layers` matches nothing, or what is no such kernel, or the parameters have
            a difference already.
        """
        params = variables["params"]
        if DIFFERENCE in params:
            raise LayerError("the parameters have a LoRA difference already; expected none: merge")
        kernels = self._kernels(params)
        keys = jax.random.split(key, len(kernels))
        difference: dict[Path, jax.Array] = {}
        for (path, kernel), own in zip(kernels.items(), keys, strict=True):
            inputs, outputs = kernel.shape[-2:]
            down = jax.random.normal(own, (inputs, self.rank), kernel.dtype)
            difference[(*path, DOWN)] = down / np.sqrt(inputs).astype(kernel.dtype)
            difference[(*path, UP)] = jnp.zeros((self.rank, outputs), kernel.dtype)
        return {**variables, "params": {**params, DIFFERENCE: unflatten_dict(difference)}}

    def merge(self, variables: Variables) -> dict[str, Any]:
        """The variables of the net itself, with the difference in its kernels."""
        return {**variables, "params": self.merge_params(variables["params"])}

    def merge_params(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """As `merge`, of the parameters alone; no gradient flows into the kernels W0.

        Raises:
          LayerError: if there is no difference, or it does not fit the kernels.
        """
        if DIFFERENCE not in params:
            raise LayerError("the parameters have no LoRA difference; expected those of `adapt`")
        leaves: dict[Path, Any] = flatten_dict(
            {name: tree for name, tree in params.items() if name != DIFFERENCE}
        )
        thin: dict[Path, Any] = flatten_dict(params[DIFFERENCE])
        for path in {place[:-1] for place in thin}:
            kernel, down, up = leaves.get(path), thin[(*path, DOWN)], thin[(*path, UP)]
            if kernel is None or kernel.shape[-2:] != (down.shape[0], up.shape[1]):
                there = "nothing" if kernel is None else list(kernel.shape)
                raise LayerError(
                    f"a LoRA difference [{down.shape[0]}, {up.shape[1]}] for {'/'.join(path)}, "
                    f"where the net has {there}; expected that of the same net"
                )
            moved = (self.alpha / self.rank * (down @ up)).reshape(kernel.shape)
            leaves[path] = lax.stop_gradient(kernel) + moved
        return unflatten_dict(leaves)

    def loss(self, loss: Loss) -> Loss:
        """A loss of the net, as a loss of the parameters that `adapt` gives."""

        def adapted(params: Any, stats: Any, batch: Any, rng: jax.Array, progress: jax.Array):
            return loss(self.merge_params(params), stats, batch, rng, progress)

        return adapted

    def rules(self, moving: Sequence[str] = (f"{HEAD}/.*",)) -> dict[str, str | float]:
        """For `parameter_groups`: the difference moves, and what else is named; the rest is frozen.

        A stage of which nothing else moves behaves as at test time (see `make_step`).

        Args:
          moving: regular expressions over whole paths, such as those of a new head.
        """
        return {f"{DIFFERENCE}/.*": FULL, **dict.fromkeys(moving, FULL), ".*": FROZEN}

    def _kernels(self, params: Mapping[str, Any]) -> dict[Path, Any]:
        leaves: dict[Path, Any] = flatten_dict(params)
        found = {p: leaf for p, leaf in leaves.items() if re.fullmatch(self.layers, "/".join(p))}
        unfit = [
            f"{'/'.join(path)} {list(leaf.shape)}"
            for path, leaf in found.items()
            if leaf.ndim != 2 and not (leaf.ndim == 4 and leaf.shape[:2] == (1, 1))
        ]
        if unfit or not found:
            said = ", ".join(unfit[:5]) if unfit else "no parameter"
            raise LayerError(
                f"LoRA's layers {self.layers!r} match {said}; expected kernels [in, out] or "
                "[1, 1, in, out] and nothing else, such as by "
                "'trunk/.*/attention/(query|value)/kernel'"
            )
        return found
