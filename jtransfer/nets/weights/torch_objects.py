"""What the pickles in PyTorch's files name, as data.

A checkpoint holds tensors, and beside them whatever a training script wanted to keep: settings in a
Namespace, a best accuracy as a NumPy number, the state of an optimizer. The tensors are written
down as windows on storages; of the rest it is only noted what it was.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

_MOST_DIMENSIONS = 64  # NumPy's


@dataclass(frozen=True)
class Storage:
    """A block of numbers that lies elsewhere in the file.

    Attributes:
      key: its name in the file.
      dtype: of the numbers.
      size: how many they are.
    """

    key: str
    dtype: np.dtype
    size: int


@dataclass(frozen=True)
class Tensor:
    """A tensor: a window on a storage; offset and strides count numbers, not bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Name(NamedTuple):
    """Something importable that a pickle names; it is never imported."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True)
class Other:
    """Something that is no part of a state dict, and was not made.

    Attributes:
      kind: what it would have been, such as `argparse.Namespace`.
    """

    kind: str


# Numbers of a type of their own have a storage of it; those of newer types lie in plain bytes.
_STORAGES: dict[str, np.dtype] = {
    "DoubleStorage": np.dtype("<f8"),
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "BFloat16Storage": np.dtype(ml_dtypes.bfloat16),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ShortStorage": np.dtype("<i2"),
    "CharStorage": np.dtype("i1"),
    "ByteStorage": np.dtype("u1"),
    "BoolStorage": np.dtype("?"),
    "ComplexFloatStorage": np.dtype("<c8"),
    "ComplexDoubleStorage": np.dtype("<c16"),
    "UntypedStorage": np.dtype("u1"),
}
_NEWER: dict[str, np.dtype] = {
    "uint16": np.dtype("<u2"),
    "uint32": np.dtype("<u4"),
    "uint64": np.dtype("<u8"),
    "float8_e4m3fn": np.dtype(ml_dtypes.float8_e4m3fn),
    "float8_e4m3fnuz": np.dtype(ml_dtypes.float8_e4m3fnuz),
    "float8_e5m2": np.dtype(ml_dtypes.float8_e5m2),
    "float8_e5m2fnuz": np.dtype(ml_dtypes.float8_e5m2fnuz),
}


def storage_of(reference: Any) -> Storage | Name:
    """A storage by its persistent id: ("storage", type, key, device, size, view).

    Whole modules refer to their class in the same way: ("module", class, its file, its source).
    """
    match reference:
        case ("storage", Name(module, kind), str(key), str(), int(size), *view) if (
            module in ("torch", "torch.cuda", "torch.storage")
            and kind in _STORAGES
            and 0 <= size < 2**63
            and view in ([], [None])
        ):
            return Storage(key, _STORAGES[kind], size)
        case ("module", Name() as whole, str(), str()):
            return whole
    raise ValueError("it refers to something that is no storage of numbers")


def put(table: dict[Any, Any], key: Any, value: Any) -> None:
    """Set an item; one that a state dict cannot have, such as of a tuple, is left out.

    The hash of nested tuples can take forever, and that of a long number again and again.
    """
    match key:
        case str() | bytes() if len(key) > 10_000:
            raise ValueError(f"a name of {len(key):,} characters; expected at most 10,000")
        case int() if abs(key) >= 2**63:
            pass
        case str() | bytes() | int() | float() | None:
            table[key] = value


def _ordered_dict(items: Any = ()) -> dict[Any, Any]:
    made: dict[Any, Any] = {}
    for key, value in items:
        put(made, key, value)
    return made


def _default_dict(*_: Any) -> dict[Any, Any]:
    return {}


def _size(numbers: Any = ()) -> tuple[Any, ...]:
    return tuple(numbers)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *rest: Any) -> Tensor:
    made_of = (storage, offset, shape, strides)
    if not all(map(isinstance, made_of, (Storage, int, tuple, tuple))):
        raise ValueError("a tensor is not made of a storage, an offset, a shape and strides")
    # First, for one shape of 300,000 numbers can be that of thousands of tensors.
    if len(shape) > _MOST_DIMENSIONS or len(shape) != len(strides):
        raise ValueError(
            f"a tensor has {len(shape):,} dimensions and {len(strides):,} strides; expected as "
            f"many of each, at most {_MOST_DIMENSIONS}"
        )
    if not all(type(each) is int and 0 <= each < 2**63 for each in (offset, *shape, *strides)):
        raise ValueError("a tensor has a shape, strides or an offset that are no sizes")
    # rest: requires_grad and hooks, which are no part of the numbers, then flags that are.
    if any(rest[2:]):
        raise ValueError("a tensor is stored as conjugate or negative")
    return Tensor(storage, offset, shape, strides)


def _newer_tensor(storage: Any, *window: Any) -> Tensor | Other:
    """Of numbers that lie in a storage of bytes: the type is among the arguments."""
    dtype = window[5]
    match storage, dtype:
        case Storage(), Name(module="torch", name=name) if name in _NEWER:
            number = _NEWER[name]
            size, odd = divmod(storage.size * storage.dtype.itemsize, number.itemsize)
            if not odd:
                return _tensor(Storage(storage.key, number, size), *window[:5])
    return Other(f"a tensor of {dtype}" if isinstance(dtype, Name) else "no tensor")


def _first(tensor: Any, *_: Any) -> Any:
    return tensor


def _of_type(call: Any, _: Any, arguments: Any, *__: Any) -> Any:
    """A tensor of a subclass: what makes the tensor, the class, what it is made of, attributes."""
    if isinstance(call, Name) and call in _TENSORS and isinstance(arguments, tuple):
        return _TENSORS[call](*arguments)
    return Other("a tensor of a class of its own")


_UTILS = "torch._utils"
_TENSORS: dict[Name, Callable[..., Any]] = {
    Name(_UTILS, "_rebuild_tensor"): _tensor,
    Name(_UTILS, "_rebuild_tensor_v2"): _tensor,
    Name(_UTILS, "_rebuild_tensor_v3"): _newer_tensor,
}
_CALLS: dict[Name, Callable[..., Any]] = {
    **_TENSORS,
    Name(_UTILS, "_rebuild_parameter"): _first,
    Name(_UTILS, "_rebuild_parameter_with_state"): _first,
    Name("torch._tensor", "_rebuild_from_type_v2"): _of_type,
    Name("torch", "Size"): _size,
    Name("collections", "OrderedDict"): _ordered_dict,
    Name("collections", "defaultdict"): _default_dict,
}
_DICTS = (Name("collections", "OrderedDict"), Name("collections", "defaultdict"))
# What ordinary checkpoints hold besides. Nothing of it is made, so it matters only that none of it
# is what an attack would call.
_ASIDE: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        ("builtins", "__builtin__"),
        frozenset(("set", "frozenset", "complex", "bytearray", "slice", "range", "xrange")),
    ),
    **dict.fromkeys(
        ("numpy.core.multiarray", "numpy._core.multiarray"), frozenset(("scalar", "_reconstruct"))
    ),
    **dict.fromkeys(("numpy.core.numeric", "numpy._core.numeric"), frozenset(("_frombuffer",))),
    **dict.fromkeys(("copyreg", "copy_reg"), frozenset(("_reconstructor",))),
    "numpy": frozenset(("dtype",)),
    "torch": frozenset(("device",)),
    "torch.serialization": frozenset(("_get_layout",)),
    "collections": frozenset(("Counter", "deque")),
    "_codecs": frozenset(("encode",)),
    "argparse": frozenset(("Namespace",)),
    "types": frozenset(("SimpleNamespace",)),
    "datetime": frozenset(("datetime", "date", "time", "timedelta", "timezone")),
    "decimal": frozenset(("Decimal",)),
    "uuid": frozenset(("UUID",)),
    **dict.fromkeys(
        ("pathlib", "pathlib._local"),  # which Python 3.13 says of the same
        frozenset(
            f"{pure}{system}Path" for pure in ("", "Pure") for system in ("", "Posix", "Windows")
        ),
    ),
}


def call_of(function: Name) -> Callable[..., Any] | None:
    """What writes down as data what a call would have made; None if no checkpoint needs the call.

    The function raises ValueError, TypeError or LookupError where arguments are not PyTorch's.
    """
    if function in _CALLS:
        return _CALLS[function]
    # Sparse, quantised and other tensors; with a dot in its name it would be something else of one.
    special = function.name.startswith("_rebuild_") and function.name.isidentifier()
    if (special and function.module == _UTILS) or function.name in _ASIDE.get(function.module, ()):
        return partial(_aside, function)
    return None


def _aside(function: Name, *arguments: Any) -> Other:
    kind = arguments[0] if function.name in ("_reconstructor", "_reconstruct") else function
    return Other(str(kind if isinstance(kind, Name) else function))


def instance_of(kind: Name) -> Any:
    """What a new object of a class is written down as; no class is ever looked up."""
    return {} if kind in _DICTS else Other(str(kind))
