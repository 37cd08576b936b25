"""Reading the pickles in PyTorch's files as data: nothing in them is ever called.

A pickle is a program for a small stack machine, and may call anything that can be imported. The
machine below has only the instructions that build dictionaries, lists, tuples, numbers and strings.
Where a pickle names something to call, the name is looked up in a short list of what a state dict
is made of, and what that call would have made is written down as plain data.

It is a machine of our own, not `pickle.Unpickler` with a guarded `find_class`, because that one
still follows every other instruction of the file: it sets attributes of what it has at hand, and
takes any amount of memory for its memo.
"""

import pickletools
from dataclasses import dataclass
from typing import Any, BinaryIO

import ml_dtypes
import numpy as np

from jtransfer.nets.weights.error import WeightsError


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


@dataclass(frozen=True)
class _Global:
    """Something importable that a pickle names."""

    module: str
    name: str


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
}


def _ordered_dict(items: Any = ()) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in items:
        _put(made, key, value)
    return made


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *rest: Any) -> Tensor:
    sizes = (offset, *shape, *strides)
    whole = all(type(number) is int and number >= 0 for number in sizes) and 0 not in shape
    if not whole or len(shape) != len(strides) or not isinstance(storage, Storage):
        raise ValueError("a tensor is not made of a storage, an offset, a shape and strides")
    # rest: requires_grad and hooks, which are no part of the numbers, then flags that are.
    if any(rest[2:]):
        raise ValueError("a tensor is stored as conjugate or negative")
    return Tensor(storage, offset, tuple(shape), tuple(strides))


def _parameter(tensor: Any, *_: Any) -> Any:
    return tensor


_CALLS = {
    _Global("collections", "OrderedDict"): _ordered_dict,
    _Global("torch._utils", "_rebuild_tensor"): _tensor,
    _Global("torch._utils", "_rebuild_tensor_v2"): _tensor,
    _Global("torch._utils", "_rebuild_parameter"): _parameter,
}


def read_pickle(stream: BinaryIO, source: str) -> Any:
    """Read one pickle from a stream, up to its end, as data.

    Args:
      stream: at the first byte of the pickle; left behind its last one.
      source: what to call the file in messages.

    Returns:
      Dictionaries, lists, tuples, numbers, strings and `Tensor`s.

    Raises:
      WeightsError: if the pickle wants anything but a state dict's parts, naming what, or is
        damaged.
    """
    machine = _Machine(source)
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            machine.follow(opcode.name, argument)
        return machine.stack.pop()
    except WeightsError:
        raise
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise WeightsError(
            f"{source} cannot be read: its pickle is damaged, or of no state dict ({error}). Fetch "
            "it again from its publisher"
        ) from error


class _Machine:
    """The stack machine, without the instructions that could run code."""

    def __init__(self, source: str):
        self.source = source
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def follow(self, instruction: str, argument: Any) -> None:
        stack, pop = self.stack, self.stack.pop
        match instruction:
            case "PROTO" | "FRAME" | "STOP":
                pass
            case "MARK":
                self.marks.append(len(stack))
            case "NONE":
                stack.append(None)
            case "NEWTRUE" | "NEWFALSE":
                stack.append(instruction == "NEWTRUE")
            case "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINFLOAT":
                stack.append(argument)
            case "BINUNICODE" | "SHORT_BINUNICODE" | "BINSTRING" | "SHORT_BINSTRING":
                stack.append(argument)
            case "EMPTY_DICT":
                stack.append({})
            case "EMPTY_LIST":
                stack.append([])
            case "EMPTY_TUPLE":
                stack.append(())
            case "TUPLE":
                stack.append(tuple(self.since_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                count = int(instruction[-1])
                stack[-count:] = [tuple(stack[-count:])]
            case "APPEND":
                value = pop()
                _expect(stack[-1], list).append(value)
            case "APPENDS":
                values = self.since_mark()
                _expect(stack[-1], list).extend(values)
            case "SETITEM":
                value, key = pop(), pop()
                _put(_expect(stack[-1], dict), key, value)
            case "SETITEMS":
                items = self.since_mark()
                for key, value in zip(items[::2], items[1::2], strict=True):
                    _put(_expect(stack[-1], dict), key, value)
            case "BINPUT" | "LONG_BINPUT":
                self.memo[argument] = stack[-1]
            case "MEMOIZE":
                self.memo[len(self.memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(self.memo[argument])
            case "GLOBAL" | "INST":
                stack.append(self.named(*argument.split(" ", 1)))
            case "STACK_GLOBAL":
                name, module = pop(), pop()
                stack.append(self.named(_expect(module, str), _expect(name, str)))
            case "BINPERSID":
                stack.append(_storage(pop()))
            case "REDUCE":
                arguments, function = pop(), pop()
                call = _CALLS[_expect(function, _Global)]
                stack.append(call(*_expect(arguments, tuple)))
            case "BUILD":
                # Attributes that a state dict carries besides its tensors, such as `_metadata`.
                pop()
                _expect(stack[-1], dict)
            case _:
                raise ValueError(f"it has the instruction {instruction}")

    def since_mark(self) -> list[Any]:
        mark = self.marks.pop()
        values = self.stack[mark:]
        del self.stack[mark:]
        return values

    def named(self, module: str, name: str) -> _Global:
        named = _Global(module, name)
        storage = module in ("torch", "torch.cuda") and name in _STORAGES
        if named not in _CALLS and not storage:
            raise WeightsError(
                f"{self.source} wants to run {module}.{name}, and nothing of it was run. Weights "
                "are expected as a state dict of tensors, which needs nothing of the kind: save "
                "them as one, or if you did not make this file, do not trust it"
            )
        return named


def _expect(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"it has a {type(value).__name__} where a {kind.__name__} is expected")
    return value


def _put(table: dict[str, Any], key: Any, value: Any) -> None:
    # Strings only: the hash of nested tuples can take forever.
    table[_expect(key, str)] = value


def _storage(reference: Any) -> Storage:
    """A storage by its persistent id: ("storage", type, key, device, size, view)."""
    match reference:
        case ("storage", _Global(name=kind), str(key), str(), int(size), *view) if (
            kind in _STORAGES and size >= 0 and view in ([], [None])
        ):
            return Storage(key, _STORAGES[kind], size)
    raise ValueError("it refers to something that is no storage of numbers")
