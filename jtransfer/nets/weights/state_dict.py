"""Finding the state dict in what a training script saved, and the names without its wrappers'."""

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

import jax.numpy as jnp
import numpy as np

from jtransfer.nets.weights.error import WeightsError, readable
from jtransfer.nets.weights.torch_objects import Name, Other, Tensor

# Where scripts put the state dict beside epochs and optimizers; of several the first here is taken:
# what was trained before its moving average.
ENTRIES = (
    "state_dict",
    "model_state_dict",
    "model",
    "state_dict_ema",
    "model_ema",
    "teacher",  # of DINO and its like, the net that they publish; "student" is what trained it
    "student",
)
# What wrappers put before every name: DataParallel, torch.compile.
_WRAPPERS = ("module.", "_orig_mod.")
# Where scripts put the net that a larger one is made of; of several the first here is taken.
_PARTS = ("backbone.", "base_encoder.", "encoder_q.", "encoder.", "trunk.", "net.", "model.")
_AVERAGED = "n_averaged"  # how often AveragedModel has averaged; a number beside the net's

Value = TypeVar("Value")


def state_dict_in(saved: Any, source: str) -> dict[str, Tensor]:
    """The state dict in what was saved: itself, or the first of `ENTRIES` that is there.

    Args:
      saved: as `read_pickle` gives it.
      source: what to call the file in messages.

    Raises:
      WeightsError: if there is none, or it holds anything but tensors, naming what is there.
    """
    for _ in ENTRIES:  # one may lie in another
        if not isinstance(saved, dict) or all(map(_is_tensor, saved.values())):
            break
        inner = [saved[entry] for entry in ENTRIES if isinstance(saved.get(entry), dict)]
        if not inner:
            break
        saved = inner[0]
    if not isinstance(saved, dict):
        raise _refusal(source, f"a lone value ({_kind(saved)})")
    others = [
        f"{readable(str(name))}: {_kind(value)}"
        for name, value in saved.items()
        if not _is_tensor(value) or not isinstance(name, str)
    ]
    if others:
        listed = ", ".join(others[:5]) + (f" and {len(others) - 5:,} more" if others[5:] else "")
        raise _refusal(source, f"a dict with {listed}")
    return saved


def without_wrappers(tensors: Mapping[str, Value]) -> dict[str, Value]:
    """The tensors under the names that the net itself gives them.

    `DataParallel` and `torch.compile` put `module.` and `_orig_mod.` before every name.
    """
    named = dict(tensors)
    if any(name.startswith(_WRAPPERS) for name in named):
        named.pop(_AVERAGED, None)
    for wrapper in 2 * _WRAPPERS:  # in either order
        if all(name.startswith(wrapper) for name in named):
            named = {name.removeprefix(wrapper): value for name, value in named.items()}
    return named


def weights_of_net(
    arrays: Mapping[str, np.ndarray], known: Collection[str]
) -> dict[str, np.ndarray]:
    """Of the arrays of a file those that can be weights of a net.

    Where no name is the net's own, but names below `backbone.` or its like are, the net is part of
    a larger one: its part is taken, without that beginning, and the rest left out. Arrays of other
    names that are empty, or not of floating point, are counters and tables, and left out too.

    Args:
      arrays: by name in the file.
      known: names that the net has in such files.
    """
    named = dict(arrays)
    if not any(name in known for name in named):
        parts = (
            {
                name.removeprefix(part): array
                for name, array in arrays.items()
                if name.startswith(part)
            }
            for part in _PARTS
        )
        named = next((part for part in parts if any(name in known for name in part)), named)
    return {
        name: array
        for name, array in named.items()
        if name in known or (array.size and jnp.issubdtype(array.dtype, jnp.floating))
    }


def _kind(value: Any) -> str:
    match value:
        case Other(kind):
            return readable(kind)
        case Name():
            return f"the name {readable(str(value))}"
        case dict() if value and all(map(_is_tensor, value.values())):
            return f"a state dict of {len(value):,} tensors"
    return type(value).__name__


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def _refusal(source: str, found: str) -> WeightsError:
    return WeightsError(
        f"{source} holds {found}; expected a dict of names and tensors, or one under "
        f"{', '.join(ENTRIES)}. Save the net's state_dict() alone"
    )
