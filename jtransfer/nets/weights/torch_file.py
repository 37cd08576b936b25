"""Reading state dicts that `torch.save` wrote, without PyTorch and without running anything.

Since PyTorch 1.6 such a file is an uncompressed zip archive: `<name>/data.pkl` holds the names and
shapes, `<name>/data/<key>` the numbers. Before, it was five pickles (magic number, version, byte
order, names and shapes, keys) followed by the numbers of each key.
"""

import io
import math
import struct
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

import numpy as np

from jtransfer.files.memory import in_units, require_plausible
from jtransfer.nets.weights.error import WeightsError, readable
from jtransfer.nets.weights.pickled import read_pickle
from jtransfer.nets.weights.state_dict import state_dict_in, without_wrappers
from jtransfer.nets.weights.torch_objects import Storage, Tensor

_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_VERSION = 1001
_MOST_MEMBERS = 100_000  # of an archive: one a tensor and a few more
_METHODS = {zipfile.ZIP_DEFLATED: "deflate", zipfile.ZIP_BZIP2: "bzip2", zipfile.ZIP_LZMA: "LZMA"}
# What zipfile raises for damaged files.
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

    It may lie at the root of the file, or under one of `state_dict.ENTRIES`, of which the first
    that is there is taken. Names come without the `module.` of DataParallel.

    Args:
      content: the whole file, of either format.
      source: what to call it in messages.

    Returns:
      The tensors by name, read-only; those that share numbers in the file share them here.

    Raises:
      WeightsError: if the file is cut or damaged, wants to run code, claims far more numbers than
        it has, or holds no dict of tensors.
    """
    read = _read_zip if content.startswith(b"PK") else _read_legacy
    state, blocks = read(content, source)
    _require_bounded(state.values(), len(content), source)
    return without_wrappers(
        {name: _array(tensor, blocks, name, source) for name, tensor in state.items()}
    )


def _read_zip(content: bytes, source: str) -> tuple[dict[str, Tensor], dict[str, memoryview]]:
    # Before zipfile lists them: a kilobyte of memory each.
    members = content.count(b"PK\x01\x02")
    if members > _MOST_MEMBERS:
        raise _damage(source, f"it has {members:,} members; expected at most {_MOST_MEMBERS:,}")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            folder = _folder(archive, len(content), source)
            byte_order = f"{folder}byteorder"
            if byte_order in archive.namelist() and archive.read(byte_order) != b"little":
                raise _unlike(
                    source, "its numbers are big-endian", "Save it on a little-endian machine"
                )
            saved = read_pickle(io.BytesIO(archive.read(f"{folder}data.pkl")), source)
            state = state_dict_in(saved, source)
            keys = {tensor.storage.key for tensor in state.values()}
            blocks = {key: memoryview(archive.read(f"{folder}data/{key}")) for key in keys}
    except WeightsError:
        raise
    except _UNREADABLE as error:
        raise _damage(source, readable(str(error) or type(error).__name__, 300)) from error
    return state, blocks


def _folder(archive: zipfile.ZipFile, size: int, source: str) -> str:
    """The folder in the archive that everything lies in, with its slash; all names are checked."""
    names = archive.namelist()
    # Nothing is unpacked to the disk, but torch.save writes no such names, nor what follows below.
    outside = [
        name
        for name in names
        if name.startswith("/") or "\\" in name or ".." in PurePosixPath(name).parts
    ]
    if outside:
        raise _damage(
            source, f"it holds the path {readable(outside[0])}, which leads out of the archive"
        )
    if len(set(names)) != len(names):
        raise _damage(source, "it holds two files of one name")
    members = archive.infolist()
    for member in members:
        if member.flag_bits & 1:
            raise _unlike(
                source, f"its member {readable(member.filename)} is encrypted", "Decrypt it"
            )
        if member.compress_type != zipfile.ZIP_STORED:
            method = _METHODS.get(member.compress_type, f"method {member.compress_type}")
            packed = in_units(sum(each.compress_size for each in members))
            whole = in_units(sum(each.file_size for each in members))
            raise _unlike(
                source,
                f"its member {readable(member.filename)} is compressed ({method}; in all "
                f"{whole} in {packed})",
                "Unpack it, and pack it without compression",
            )
    claimed = sum(member.file_size for member in members)
    if claimed > size:
        raise _damage(source, f"its files claim more bytes than it has, {claimed:,} of {size:,}")
    pickles = [name for name in names if PurePosixPath(name).parts[1:] == ("data.pkl",)]
    if len(pickles) != 1:
        raise _unlike(
            source,
            f"it is a zip archive of {len(names):,} files with {len(pickles)} <name>/data.pkl, "
            "expected one",
            "Give a file that torch.save wrote",
        )
    return pickles[0].removesuffix("data.pkl")


def _read_legacy(content: bytes, source: str) -> tuple[dict[str, Tensor], dict[str, memoryview]]:
    stream = io.BytesIO(content)
    if read_pickle(stream, source) != _MAGIC or read_pickle(stream, source) != _LEGACY_VERSION:
        raise _unlike(
            source,
            "it is a pickle that torch.save did not write",
            "Save the net's state_dict() by torch.save",
        )
    system = read_pickle(stream, source)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise _unlike(
            source, "its numbers are not little-endian", "Save it on a little-endian machine"
        )
    storages: dict[str, Storage] = {}
    saved = read_pickle(stream, source, storages=storages)
    keys = read_pickle(stream, source)
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
    return state_dict_in(saved, source), blocks


def _require_bounded(tensors: Iterable[Tensor], size: int, source: str) -> None:
    """Refuse tensors that repeat the file's numbers over and over, such as by strides of zero."""
    claimed = sum(math.prod(each.shape) * each.storage.dtype.itemsize for each in tensors)
    require_plausible(claimed, size, source, error=WeightsError)


def _array(tensor: Tensor, blocks: Mapping[str, memoryview], name: str, source: str) -> np.ndarray:
    storage, block = tensor.storage, blocks[tensor.storage.key]
    itemsize = storage.dtype.itemsize
    needed = storage.size * itemsize
    if len(block) != needed:
        raise _damage(
            source, f"the block of {readable(name)!r} has {len(block):,} bytes, not {needed:,}"
        )
    if 0 in tensor.shape:
        block, offset, reach = memoryview(b""), 0, [(0, 0)] * len(tensor.shape)
    else:
        offset, reach = tensor.offset, list(zip(tensor.shape, tensor.strides, strict=True))
        # In Python's own integers, which do not overflow as NumPy's check of the same does.
        if offset + sum((size - 1) * stride for size, stride in reach) >= storage.size:
            raise _damage(
                source, f"{readable(name)!r} of shape {tensor.shape} reaches beyond its block"
            )
    # What lies one in a row has no stride that matters, and it may be of any size.
    strides = [stride * itemsize if size > 1 else 0 for size, stride in reach]
    try:
        return np.ndarray(tensor.shape, storage.dtype, block, offset * itemsize, strides)
    except ValueError as error:  # of an empty array's other sides
        raise _damage(source, f"{readable(name)!r} of shape {tensor.shape}: {error}") from error


def _damage(source: str, reason: str) -> WeightsError:
    return _unlike(source, reason, "It is cut or damaged: fetch it again from its publisher")


def _unlike(source: str, reason: str, remedy: str) -> WeightsError:
    return WeightsError(f"{source} cannot be read: {reason}. {remedy}")
