import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, strategies as some
from hypothesis.extra import numpy as arrays
from scipy.io import loadmat, savemat

from jtransfer.data import DataError
from jtransfer.data.sources.matlab import read_matlab

NUMBERS = arrays.arrays(
    some.sampled_from(
        [np.dtype(name) for name in ("f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")]
    ),
    arrays.array_shapes(min_dims=2, max_dims=4, max_side=5),
)


@given(NUMBERS, some.booleans())
def test_what_scipy_writes_is_read_as_scipy_reads_it(tmp_path_factory, numbers, packed):
    file = tmp_path_factory.mktemp("mat") / "a.mat"
    savemat(file, {"numbers": numbers, "other": "text"}, do_compression=packed)
    read = read_matlab(file, ["numbers", "none"])
    assert list(read) == ["numbers"]
    assert isinstance(read["numbers"], np.ndarray)
    np.testing.assert_array_equal(read["numbers"], loadmat(file)["numbers"], strict=True)


@pytest.mark.parametrize("packed", [False, True])
def test_text_and_cells(tmp_path, packed):
    file = tmp_path / "a.mat"
    names = np.empty((2, 2), object)
    names[:] = [["a+b", "ξ𝄞"], ["", np.array([[1.5]])]]
    content = {"line": "grizzly", "lines": np.array(["ab", "cd"]), "names": names}
    content |= {"yes": np.array([[True, False]]), "none": np.zeros((0, 3))}
    savemat(file, content, do_compression=packed)
    read = read_matlab(file, content)
    assert (read["line"], read["lines"]) == ("grizzly", ["ab", "cd"])
    assert read["names"][:3] == ["a+b", "", "ξ𝄞"]  # column by column
    np.testing.assert_array_equal(read["names"][3], [[1.5]], strict=True)
    np.testing.assert_array_equal(read["yes"], [[True, False]], strict=True)
    np.testing.assert_array_equal(read["none"], np.zeros((0, 3)), strict=True)


def tag(order, kind, data):
    return struct.pack(f"{order}II", kind, len(data)) + data + bytes(-len(data) % 8)


def by_hand(order, shape, stored, data, *, kind=6, flags=0, packed=False):
    """A file of one array `a` by the format's definition, in either order of bytes."""
    inner = tag(order, 6, struct.pack(f"{order}II", flags | kind, 0))
    inner += tag(order, 5, struct.pack(f"{order}{len(shape)}i", *shape))
    # A name of one to four letters stands in its tag.
    small = struct.pack(f"{order}I", 1 << 16 | 1) + b"a\0\0\0"
    element = tag(order, 14, inner + small + tag(order, stored, data))
    if packed:
        content = zlib.compress(element)
        element = struct.pack(f"{order}II", 15, len(content)) + content
    mark = b"IM" if order == "<" else b"MI"
    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(f"{order}H", 0x0100) + mark
    return head + element


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("packed", [False, True])
def test_numbers_are_stored_narrow_and_in_either_order(tmp_path, order, packed):
    """As MATLAB itself writes: doubles that are small integers take a byte or two each."""
    file = tmp_path / "a.mat"
    data = struct.pack(f"{order}6h", 1, 2, 3, 4, 5, 600)
    file.write_bytes(by_hand(order, (2, 3), 3, data, packed=packed))
    expected = np.array([[1.0, 3, 5], [2, 4, 600]])
    np.testing.assert_array_equal(read_matlab(file, "a")["a"], expected, strict=True)
    np.testing.assert_array_equal(loadmat(file)["a"], expected)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"shape": (2, 4)}, r"6 numbers for the shape \(2, 4\)"),
        ({"shape": (-2, -3)}, "a variable of the shape"),
        ({"shape": (6,)}, "a variable of the shape"),
        ({"shape": (2**31 - 1, 2**31 - 1)}, "6 numbers for the shape"),
        ({"stored": 99}, "99"),
        ({"kind": 2}, "class 2, or complex"),
        ({"flags": 0x0800}, "class 6, or complex"),
        ({"kind": 8}, "int16 that do not fit int8"),
        ({"kind": 9, "stored": 9, "data": bytes(48)}, "float64 stored where the array is uint8"),
        ({"kind": 1, "shape": (2**30, 2**30)}, "cells in"),
    ],
)
def test_what_cannot_be_is_an_error(tmp_path, changes, says):
    file = tmp_path / "a.mat"
    data = struct.pack("<6h", 1, 2, 3, 4, 5, 600)
    file.write_bytes(by_hand("<", **{"shape": (2, 3), "stored": 3, "data": data, **changes}))
    with pytest.raises((ValueError, KeyError, EOFError), match=says):
        read_matlab(file, "a")


def test_sizes_are_refused_before_memory_is_taken(tmp_path):
    file = tmp_path / "a.mat"
    # Zeros pack to a thousandth: 300 MB of them.
    small = struct.pack("<I", 1 << 16 | 1) + b"a\0\0\0"
    inner = tag("<", 6, struct.pack("<II", 9, 0)) + tag("<", 5, struct.pack("<ii", 1, 3 * 10**8))
    inner += small + struct.pack("<II", 2, 3 * 10**8)
    packing = zlib.compressobj(1)
    content = packing.compress(struct.pack("<II", 14, len(inner) + 3 * 10**8) + inner)
    content += packing.compress(bytes(10**6)) + packing.flush()
    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    file.write_bytes(head + struct.pack("<II", 15, len(content)) + content)
    with pytest.raises(DataError, match=r"a\.mat claims 286\.1 MiB of data in .* on disk"):
        read_matlab(file, "a")


def test_matlab_7_3_says_how_to_convert(tmp_path):
    file = tmp_path / "a.mat"
    file.write_bytes(b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(DataError, match=r"is of MATLAB 7\.3, an HDF5 file; .*'-v7'\)"):
        read_matlab(file, "a")


@pytest.mark.parametrize(
    ("kind", "shape", "content", "says"),
    [
        (4, (100_001, 1), (16, b"a" * 100_001), "100,001 lines of text; expected at most 100,000"),
        (4, (1, 9 << 20), (16, b"a" * (9 << 20)), "a text of 9,437,184 bytes; expected at most"),
        (1, (100_001, 1), (14, bytes(800_008)), "100,001 cells; expected at most 100,000"),
    ],
)
def test_text_that_unpacks_to_far_more_than_it_takes_is_refused(
    tmp_path, kind, shape, content, says
):
    def element(code, data):
        return struct.pack("<II", code, len(data)) + data + bytes(-len(data) % 8)

    header = element(6, struct.pack("<II", kind, 0)) + element(5, struct.pack("<2i", *shape))
    packed = zlib.compress(element(14, header + element(1, b"names") + element(*content)))
    file = tmp_path / "a.mat"
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"
    file.write_bytes(head + struct.pack("<II", 15, len(packed)) + packed)
    with pytest.raises(ValueError, match=says):
        read_matlab(file, ["names"])
