"""Reading the pickles in PyTorch's files as data: nothing in them is ever called.

A pickle is a program for a small stack machine, and may call anything that can be imported. The
machine below has only the instructions that build dictionaries, lists, tuples, numbers and strings.
Where a pickle names something to call, the name is looked up in a short list of what checkpoints
are made of, and what that call would have made is written down as plain data.

It is a machine of our own, not `pickle.Unpickler` with a guarded `find_class`, because that one
still follows every other instruction of the file: it sets attributes of what it has at hand, and
takes any amount of memory for its memo.
"""

import pickletools
from typing import Any, BinaryIO

from jtransfer.nets.weights.error import WeightsError, readable
from jtransfer.nets.weights.torch_objects import (
    Name,
    Other,
    Storage,
    call_of,
    instance_of,
    put,
    storage_of,
)

# Ten times the largest nets: a tensor takes about 25. An instruction takes a microsecond, and 70
# bytes of memory where it makes a dict.
_MOST_INSTRUCTIONS = 2_000_000

_IGNORED = frozenset(("PROTO", "FRAME", "STOP"))
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_LITERALS = frozenset(
    (
        *("BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "BINFLOAT", "FLOAT"),
        *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE"),
        *("BINSTRING", "SHORT_BINSTRING", "STRING"),
        *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    )
)


def read_pickle(
    stream: BinaryIO, source: str, *, storages: dict[str, Storage] | None = None
) -> Any:
    """Read one pickle from a stream, up to its end, as data.

    Args:
      stream: at the first byte of the pickle; left behind its last one.
      source: what to call the file in messages.
      storages: if given, every storage that the pickle refers to is put there, by its key.

    Returns:
      Dictionaries, lists, tuples, numbers, strings and `Tensor`s; an `Other` for whatever else
      checkpoints hold, and a `Name` for a class or function.

    Raises:
      WeightsError: if the pickle wants to call anything that no checkpoint needs, naming it; has
        more instructions than any checkpoint; or is damaged.
    """
    machine = _Machine(source, {} if storages is None else storages)
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            machine.spend(1)
            machine.follow(opcode.name, argument)
        return machine.stack.pop()
    except WeightsError:
        raise
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise WeightsError(
            f"{source} cannot be read: its pickle is damaged, or of no state dict "
            f"({readable(str(error), 300)}). Fetch it again from its publisher"
        ) from error


class _Machine:
    """The stack machine, without the instructions that could run code."""

    def __init__(self, source: str, storages: dict[str, Storage]):
        self.source = source
        self.storages = storages
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.spent = 0

    def spend(self, steps: int) -> None:
        """Bound the time and memory that the pickle takes."""
        self.spent += steps
        if self.spent > _MOST_INSTRUCTIONS:
            raise WeightsError(
                f"{self.source} cannot be read: its pickle has more than {_MOST_INSTRUCTIONS:,} "
                "instructions, enough for 80,000 tensors. It is no checkpoint of a net, or made "
                "to fill memory: save the net's state_dict() alone"
            )

    def follow(self, instruction: str, argument: Any) -> None:
        stack, pop = self.stack, self.stack.pop
        if instruction in _LITERALS:
            stack.append(argument)
            return
        match instruction:
            case "BINPUT" | "LONG_BINPUT" | "PUT":
                self.memo[argument] = stack[-1]
            case "MEMOIZE":
                self.memo[len(self.memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET" | "GET":
                stack.append(self.memo[argument])
            case "MARK":
                self.marks.append(len(stack))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                count = int(instruction[-1])
                stack[-count:] = [tuple(stack[-count:])]
            case "TUPLE":
                stack.append(tuple(self.since_mark()))
            case "EMPTY_TUPLE":
                stack.append(())
            case "BINPERSID":
                stack.append(self.referred(pop()))
            case "GLOBAL":
                stack.append(Name(*argument.split(" ", 1)))
            case "STACK_GLOBAL":
                name, module = pop(), pop()
                stack.append(Name(_expect(module, str), _expect(name, str)))
            case "REDUCE":
                arguments, function = pop(), pop()
                stack.append(self.called(function, arguments))
            case "INST":
                arguments = tuple(self.since_mark())
                stack.append(self.called(Name(*argument.split(" ", 1)), arguments))
            case "OBJ":
                function, *arguments = self.since_mark()
                stack.append(self.called(function, tuple(arguments)))
            case "NEWOBJ" | "NEWOBJ_EX":
                del stack[-1 if instruction == "NEWOBJ" else -2 :]
                stack.append(instance_of(_expect(pop(), Name)))
            case "BUILD":
                # Attributes that something carries, such as a state dict its `_metadata`.
                pop()
                _expect(stack[-1], dict, Other)
            case "SETITEM":
                value, key = pop(), pop()
                self.set_items([key, value])
            case "SETITEMS":
                self.set_items(self.since_mark())
            case "APPEND":
                value = pop()
                self.extend([value])
            case "APPENDS" | "ADDITEMS":
                self.extend(self.since_mark())
            case "EMPTY_DICT":
                stack.append({})
            case "EMPTY_LIST":
                stack.append([])
            case "EMPTY_SET":
                stack.append(Other("set"))
            case "DICT":
                items = self.since_mark()
                stack.append({})
                self.set_items(items)
            case "LIST":
                stack.append(self.since_mark())
            case "FROZENSET":
                self.since_mark()
                stack.append(Other("frozenset"))
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append(_CONSTANTS[instruction])
            case "POP":
                if self.marks and self.marks[-1] == len(stack):
                    self.marks.pop()
                else:
                    pop()
            case "POP_MARK":
                self.since_mark()
            case "DUP":
                stack.append(stack[-1])
            case _ if instruction not in _IGNORED:
                raise ValueError(f"it has the instruction {instruction}")

    def since_mark(self) -> list[Any]:
        mark = self.marks.pop()
        values = self.stack[mark:]
        del self.stack[mark:]
        return values

    def set_items(self, items: list[Any]) -> None:
        table = _expect(self.stack[-1], dict, Other)
        for key, value in zip(items[::2], items[1::2], strict=True):
            if isinstance(table, dict):
                put(table, key, value)

    def extend(self, values: list[Any]) -> None:
        things = _expect(self.stack[-1], list, Other)
        if isinstance(things, list):
            things.extend(values)

    def referred(self, reference: Any) -> Storage | Name:
        made = storage_of(reference)
        if isinstance(made, Storage) and self.storages.setdefault(made.key, made) != made:
            raise ValueError(f"it describes the storage {readable(made.key)} in two ways")
        return made

    def called(self, function: Any, arguments: Any) -> Any:
        function, arguments = _expect(function, Name), _expect(arguments, tuple)
        call = call_of(function)
        if call is None:
            raise WeightsError(
                f"{self.source} wants to run {readable(str(function))}, and nothing of it was run. "
                "Weights are expected as a state dict of tensors, which needs nothing of the kind: "
                "save them as one, or if you did not make this file, do not trust it"
            )
        # One long list can be the argument of many calls.
        long = (arguments, *arguments)
        self.spend(sum(len(each) for each in long if isinstance(each, list | tuple)))
        return call(*arguments)


def _expect(value: Any, *kinds: type) -> Any:
    if not isinstance(value, kinds):
        wanted = " or a ".join(kind.__name__ for kind in kinds)
        raise TypeError(f"it has a {type(value).__name__} where a {wanted} is expected")
    return value
