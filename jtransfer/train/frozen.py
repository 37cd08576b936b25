"""Who does not move: frozen parts of a net behave as at test time, and their statistics stay.

A part is a module of the net, found by its path. It is frozen if all parameters below its path are;
one without parameters of its own is what the part around it is.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import flax.linen as nn
import jax

from jtransfer.train.state import PyTree

Path = tuple[str, ...]

# By which Flax's modules are told that they are not in training, and what they are then told.
_TEST_TIME = {"train": False, "deterministic": True, "use_running_average": True}

_context = jax.make_user_context(None)


def is_frozen(path: Path) -> bool:
    """Whether a part is frozen in the step that is being traced; outside of a step none is."""
    frozen: Callable[[Path], bool] | None = _context.value
    return frozen is not None and frozen(path)


@contextmanager
def frozen_at_test_time(trainable: PyTree | None) -> Iterator[None]:
    """Within, frozen modules are called as at test time: no dropout, running statistics.

    That is what a module is told by its keyword `train`, or by Flax's own `deterministic` and
    `use_running_average`. A net with other words needs to be told by its user.

    Args:
      trainable: tree of booleans like the parameters, False where frozen; None if nothing is.
    """
    if trainable is None:
        yield
        return
    with _context(partial(_all_frozen, trainable)), nn.intercept_methods(_call):
        yield


@contextmanager
def standing_in(names: Mapping[str, str]) -> Iterator[None]:
    """Within, a net's part is applied to the variables of another: so it moves as that one does.

    Args:
      names: of a part in the net to that in the tree of parameters.
    """
    frozen: Callable[[Path], bool] | None = _context.value
    if frozen is None:
        yield
        return

    def renamed(path: Path) -> bool:
        return frozen((names.get(path[0], path[0]), *path[1:]) if path else path)

    with _context(renamed):
        yield


def frozen_held(stats: PyTree, new_stats: PyTree, trainable: PyTree | None) -> PyTree:
    """The new statistics, but those of frozen parts as they were.

    Args:
      stats: {collection: tree} whose trees are like that of the parameters, or anything else.
      new_stats: the same after a step.
      trainable: as for `frozen_at_test_time`.
    """
    if trainable is None:
        return new_stats

    before = dict(jax.tree_util.tree_leaves_with_path(stats))

    def held(keys: tuple[Any, ...], new: jax.Array) -> jax.Array:
        path = jax.tree_util.keystr(keys, simple=True, separator="/").split("/")
        return before.get(keys, new) if _all_frozen(trainable, tuple(path[1:-1])) else new

    return jax.tree_util.tree_map_with_path(held, new_stats)


def _call(call: Callable[..., Any], args: tuple[Any, ...], kwargs: Any, context: Any) -> Any:
    # A method that is called outside of `apply` has no place in the net.
    if context.module.scope is not None and is_frozen(context.module.path):
        kwargs = {**kwargs, **{word: _TEST_TIME[word] for word in kwargs if word in _TEST_TIME}}
    return call(*args, **kwargs)


def _all_frozen(trainable: PyTree, path: Path) -> bool:
    for name in path:
        if not isinstance(trainable, Mapping) or name not in trainable:
            break
        trainable = trainable[name]
    return not any(jax.tree.leaves(trainable))
