"""Files of weights, good and bad, made by hand."""

import io
import json
import os
import pickle
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

TYPES = {"float32": "F32", "float16": "F16", "float64": "F64", "int64": "I64", "bool": "BOOL"}


def safetensors(tensors: Mapping[str, np.ndarray], **extra: Any) -> bytes:
    """A safetensors file; `extra` entries of the header overwrite what belongs there."""
    header, blocks, position = {}, [], 0
    for name, tensor in tensors.items():
        end = position + tensor.nbytes
        header[name] = {
            "dtype": TYPES[tensor.dtype.name],
            "shape": list(tensor.shape),
            "data_offsets": [position, end],
        }
        blocks.append(tensor.tobytes())
        position = end
    return with_header({**header, **extra}, b"".join(blocks))


def with_header(header: Any, data: bytes) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def torch_zip(pickled: bytes, files: Mapping[str, bytes] | None = None, **options: Any) -> bytes:
    """A zip archive as of torch.save, with the given data.pkl and further files."""
    stream = io.BytesIO()
    with (
        warnings.catch_warnings(action="ignore"),  # of names that occur twice
        zipfile.ZipFile(stream, "w", **options) as archive,
    ):
        archive.writestr("weights/data.pkl", pickled)
        for name, content in (files or {}).items():
            archive.writestr(name, content)
    return stream.getvalue()


def torch_legacy(pickled: bytes, keys: Sequence[Any] = ()) -> bytes:
    """A file as of torch.save before version 1.6, with the given state and no numbers."""
    head = (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True})
    return b"".join(pickle.dumps(each, 2) for each in head) + pickled + pickle.dumps(list(keys), 2)


class Runs:
    """Pickled, calls a function when it is loaded."""

    def __init__(self, function: Callable[..., Any], *arguments: Any):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments

    def __call__(self):
        """Never: but pickle asks whether what it shall call can be called."""


def attacks(marker: Path) -> dict[str, tuple[Runs, str]]:
    """State dicts that make the file `marker` when they are unpickled, and what they run first."""
    module, builtins = Runs(__import__, "os"), "(builtins|__builtin__)"
    return {
        "os.system": (Runs(os.system, f"touch {marker}"), r"posix\.system"),
        "eval": (Runs(eval, f"open({str(marker)!r}, 'w').close()"), rf"{builtins}\.eval"),
        "getattr chain": (
            Runs(Runs(getattr, module, "system"), f"touch {marker}"),
            rf"{builtins}\.__import__",
        ),
    }
