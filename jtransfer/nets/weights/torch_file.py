"""Reading state dicts that `torch.save` wrote, without PyTorch and without running anything.

Since PyTorch 1.6 such a file is an uncompressed zip archive: `<name>/data.pkl` holds the names and
shapes, `<name>/data/<key>` the numbers. Before, it was five pickles (magic number, version, byte
order, names and shapes, keys) followed by the numbers of each key.
"""

import io
import math
import struct
import zipfile
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from jtransfer.nets.weights.error import WeightsError
from jtransfer.nets.weights.pickled import Tensor, read_pickle

_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_VERSION = 1001
# What zipfile raises for damaged files; RuntimeError is for encrypted ones.
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    OverflowError,
    RuntimeError,
    struct.error,
    zipfile.BadZipFile,
)


def read_torch(content: bytes, source: str) -> dict[str, np.ndarray]:
    """Read the tensors of a state dict.

    Args:
      content: the whole file, of either format.
      source: what to call it in messages.

    Returns:
      The tensors by name, read-only.

    Raises:
      WeightsError: if the file is cut or damaged, wants to run code, or holds anything but a dict
        of tensors.
    """
    read = _read_zip if content.startswith(b"PK") else _read_legacy
    state, blocks = read(content, source)
    return {name: _array(tensor, blocks, name, source) for name, tensor in state.items()}


def _read_zip(content: bytes, source: str) -> tuple[dict[str, Tensor], dict[str, memoryview]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(info.file_size for info in archive.infolist()) > len(content):
                raise _damage(source, "its files claim more bytes than it has")
            folder = _folder(archive, source)
            byte_order = f"{folder}byteorder"
            if byte_order in archive.namelist() and archive.read(byte_order) != b"little":
                raise _damage(source, "its numbers are big-endian")
            state = _state_dict(
                read_pickle(io.BytesIO(archive.read(f"{folder}data.pkl")), source), source
            )
            keys = {tensor.storage.key for tensor in state.values()}
            blocks = {key: memoryview(archive.read(f"{folder}data/{key}")) for key in keys}
    except _UNREADABLE as error:
        if isinstance(error, WeightsError):
            raise
        raise _damage(source, str(error)) from error
    return state, blocks


def _folder(archive: zipfile.ZipFile, source: str) -> str:
    """The folder in the archive that everything lies in, with its slash; all names are checked."""
    names = archive.namelist()
    # Nothing is unpacked to the disk, but torch.save writes no such names, nor what follows below.
    outside = [
        name
        for name in names
        if name.startswith("/") or "\\" in name or ".." in PurePosixPath(name).parts
    ]
    if outside:
        raise _damage(source, f"it holds the path {outside[0]!r}, which leads out of the archive")
    if len(set(names)) != len(names):
        raise _damage(source, "it holds two files of one name")
    if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
        raise _damage(source, "it is compressed, which torch.save never does")
    pickles = [name for name in names if PurePosixPath(name).parts[1:] == ("data.pkl",)]
    if len(pickles) != 1:
        raise _damage(source, f"it holds {len(pickles)} files <name>/data.pkl, expected one")
    return pickles[0].removesuffix("data.pkl")


def _read_legacy(content: bytes, source: str) -> tuple[dict[str, Tensor], dict[str, memoryview]]:
    stream = io.BytesIO(content)
    if read_pickle(stream, source) != _MAGIC or read_pickle(stream, source) != _LEGACY_VERSION:
        raise _damage(source, "it is a pickle that torch.save did not write")
    system = read_pickle(stream, source)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise _damage(source, "its numbers are not little-endian")
    state = _state_dict(read_pickle(stream, source), source)
    keys = read_pickle(stream, source)
    storages = {tensor.storage.key: tensor.storage for tensor in state.values()}
    listed = isinstance(keys, list) and all(isinstance(key, str) for key in keys)
    if not listed or set(keys) != storages.keys():
        raise _damage(source, "its list of blocks is not the one that its tensors refer to")
    blocks = {}
    for key in keys:
        size = int.from_bytes(stream.read(8), "little")
        start = stream.tell()
        end = start + size * storages[key].dtype.itemsize
        if end > len(content):
            raise _damage(source, f"{end:,} bytes are expected and {len(content):,} are there")
        blocks[key] = memoryview(content)[start:end]
        stream.seek(end)
    if stream.tell() != len(content):
        raise _damage(source, f"{len(content) - stream.tell():,} bytes follow its end")
    return state, blocks


def _state_dict(state: Any, source: str) -> dict[str, Tensor]:
    if not isinstance(state, dict):
        raise _not_a_state_dict(source, f"a {type(state).__name__}")
    others = [
        f"{name}: {type(value).__name__}"
        for name, value in state.items()
        if not isinstance(value, Tensor)
    ]
    if others:
        raise _not_a_state_dict(source, f"a dict with {', '.join(others[:5])}")
    return state


def _array(tensor: Tensor, blocks: Mapping[str, memoryview], name: str, source: str) -> np.ndarray:
    storage, block = tensor.storage, blocks[tensor.storage.key]
    itemsize = storage.dtype.itemsize
    needed = storage.size * itemsize
    if len(block) != needed:
        raise _damage(source, f"the block of {name!r} has {len(block):,} bytes, not {needed:,}")
    # In Python's own integers, which do not overflow as NumPy's check of the same does.
    count = math.prod(tensor.shape)
    reach = zip(tensor.shape, tensor.strides, strict=True)
    last = tensor.offset + sum((size - 1) * stride for size, stride in reach)
    # No weights are repeated; a small file could claim any amount of memory that way.
    if count > storage.size or last >= storage.size or len(tensor.shape) > 8:
        raise _damage(source, f"{name!r} of shape {tensor.shape} reaches beyond its block")
    strides = [stride * itemsize for stride in tensor.strides]
    return np.ndarray(tensor.shape, storage.dtype, block, tensor.offset * itemsize, strides)


def _damage(source: str, reason: str) -> WeightsError:
    return WeightsError(
        f"{source} cannot be read: {reason}. It is cut or damaged: fetch it again from its "
        "publisher"
    )


def _not_a_state_dict(source: str, found: str) -> WeightsError:
    return WeightsError(
        f"{source} holds {found}; expected a dict of names and tensors. Save the net's "
        "state_dict() alone"
    )
