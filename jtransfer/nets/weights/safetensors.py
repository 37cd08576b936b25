"""Reading safetensors: a JSON header that says where each tensor lies, then the tensors' bytes.

The package checks that the header covers the bytes exactly once
(https://github.com/huggingface/safetensors, "Format"). What is added here: bfloat16 and float8,
which its reader for NumPy does not know, and messages that say what to do.
"""

import ml_dtypes
import numpy as np
from safetensors import SafetensorError, deserialize

from jtransfer.files.memory import in_units
from jtransfer.nets.weights.error import WeightsError, readable
from jtransfer.nets.weights.state_dict import without_wrappers

_TYPES: dict[str, np.dtype] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "F8_E4M3": np.dtype(ml_dtypes.float8_e4m3fn),
    "F8_E5M2": np.dtype(ml_dtypes.float8_e5m2),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U64": np.dtype("<u8"),
    "U32": np.dtype("<u4"),
    "U16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
# Of 80,000 tensors; each takes thirty times the memory of its line in the header.
_LONGEST_HEADER = 1 << 23


def read_safetensors(content: bytes, source: str) -> dict[str, np.ndarray]:
    """Read the tensors of a safetensors file; names come without the `module.` of DataParallel.

    Args:
      content: the whole file.
      source: what to call it in messages.

    Returns:
      The tensors by name.

    Raises:
      WeightsError: if the file is cut, or its header is damaged, too long, or does not cover the
        tensors' bytes exactly once.
    """
    length, there = int.from_bytes(content[:8], "little"), len(content)
    if length > there - 8:
        raise _refusal(source, f"its header claims {length:,} bytes and the file has {there:,}")
    if length > _LONGEST_HEADER:
        raise WeightsError(
            f"{source} has a header of {in_units(length)}; expected at most "
            f"{in_units(_LONGEST_HEADER)}, enough for 80,000 tensors. It is made to fill memory, "
            "or holds long metadata: save the tensors alone"
        )
    try:
        tensors = deserialize(content)
    except SafetensorError as error:
        reason = str(error).removeprefix("Error while deserializing: ")
        raise _refusal(source, f"its header does not fit its {there:,} bytes: {reason}") from error
    return without_wrappers({name: _array(name, source, **entry) for name, entry in tensors})


def _array(name: str, source: str, *, dtype: str, shape: list[int], data: bytearray) -> np.ndarray:
    if dtype not in _TYPES:
        raise WeightsError(
            f"{source} cannot be read: {readable(name)!r} is of type {dtype}; expected one of "
            f"{', '.join(_TYPES)}. Save it as one of these"
        )
    try:
        return np.frombuffer(data, _TYPES[dtype]).reshape(shape)
    except ValueError as error:  # of more dimensions than NumPy has
        raise _refusal(source, f"{readable(name)!r}: {error}") from error


def _refusal(source: str, reason: str) -> WeightsError:
    return WeightsError(
        f"{source} cannot be read as safetensors: {readable(reason, 300)}. It is cut or damaged: "
        "fetch it again from its publisher"
    )
