"""Reading safetensors: a JSON header that says where each tensor lies, then the tensors' bytes.

Eight bytes hold the header's length; the header is `{name: {"dtype", "shape", "data_offsets"}}`,
optionally with `"__metadata__"`; the tensors follow in C order, little-endian, without gaps or
overlaps (https://github.com/huggingface/safetensors, "Format").
"""

import json
import math
from typing import Any

import ml_dtypes
import numpy as np

from jtransfer.nets.weights.error import WeightsError

_TYPES: dict[str, np.dtype] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
}
_LONGEST_HEADER = 100_000_000


def read_safetensors(content: bytes, source: str) -> dict[str, np.ndarray]:
    """Read the tensors of a safetensors file, checking all that its header claims.

    Args:
      content: the whole file.
      source: what to call it in messages.

    Returns:
      The tensors by name: read-only views of `content`.

    Raises:
      WeightsError: if the file is cut, or its header is damaged or does not cover the tensors'
        bytes exactly once.
    """
    length = int.from_bytes(content[:8], "little")
    if length > min(_LONGEST_HEADER, len(content) - 8):
        raise _refusal(
            source, f"its header claims {length:,} bytes and the file has {len(content):,}"
        )
    try:
        header = json.loads(content[8 : 8 + length], object_pairs_hook=_unique)
        header.pop("__metadata__", None)
        spans = {name: _span(name, **entry) for name, entry in header.items()}
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise _refusal(source, f"its header is no table of tensors: {error}") from error
    data = memoryview(content)[8 + length :]
    position = 0
    for name, (begin, end, _, _) in sorted(spans.items(), key=lambda item: item[1][:2]):
        if begin != position:
            kind = "a gap before" if begin > position else "an overlap with"
            raise _refusal(source, f"there is {kind} {name!r}, at byte {begin:,} of the tensors")
        position = end
    if position != len(data):
        raise _refusal(
            source, f"its tensors take {position:,} bytes and the file has {len(data):,} for them"
        )
    return {
        name: np.frombuffer(data[begin:end], dtype).reshape(shape)
        for name, (begin, end, dtype, shape) in spans.items()
    }


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a name occurs twice")
    return table


def _span(
    name: str, *, dtype: str, shape: list[int], data_offsets: list[int]
) -> tuple[int, int, np.dtype, list[int]]:
    """First byte and the one behind the last, type and shape of a tensor."""
    if dtype not in _TYPES:
        raise ValueError(f"{name!r} is of type {dtype!r}, expected one of {', '.join(_TYPES)}")
    begin, end = data_offsets
    sizes = (*shape, begin, end)
    if not all(type(number) is int and number >= 0 for number in sizes) or 0 in shape:
        raise ValueError(f"shape {shape} and offsets {data_offsets} of {name!r} are no sizes")
    if len(shape) > 8:
        raise ValueError(f"{name!r} has {len(shape)} dimensions")
    size = math.prod(shape) * _TYPES[dtype].itemsize
    if end - begin != size:
        raise ValueError(
            f"{name!r} ({dtype} {shape}) takes {size:,} bytes and its offsets span {end - begin:,}"
        )
    return begin, end, _TYPES[dtype], shape


def _refusal(source: str, reason: str) -> WeightsError:
    return WeightsError(
        f"{source} cannot be read as safetensors: {reason}. It is cut or damaged: fetch it again "
        "from its publisher"
    )
