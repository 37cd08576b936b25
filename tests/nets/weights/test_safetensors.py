import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

from jtransfer.nets.weights.error import WeightsError
from jtransfer.nets.weights.safetensors import read_safetensors
from tests.nets.weight_files import safetensors as by_hand, with_header

TENSORS = {
    "b": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a": np.array([1.5, -2.0], np.float16),
    "count": np.array(7, np.int64),
}
F32 = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


def test_tensors_by_name_with_shape_and_type():
    read = read_safetensors(by_hand(TENSORS, __metadata__={"format": "pt"}), "x")
    assert read.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert (read[name].dtype, read[name].shape) == (tensor.dtype, tensor.shape)
        np.testing.assert_array_equal(read[name], tensor)


def test_bytes_as_the_format_describes_them():
    header = b'{"w":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}  '
    content = bytes([len(header), 0, 0, 0, 0, 0, 0, 0]) + header + b"\x80\x3f\x00\xc0"
    read = read_safetensors(content, "x")["w"]
    assert read.dtype == ml_dtypes.bfloat16
    np.testing.assert_array_equal(read.astype(np.float32), [1.0, -2.0])


@pytest.mark.parametrize("missing", [1, 4, 40, 200])
def test_a_cut_file_is_refused(missing):
    with pytest.raises(WeightsError, match=r"weights\.safetensors cannot be read .*fetch it again"):
        read_safetensors(by_hand(TENSORS)[:-missing], "weights.safetensors")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "claims 0 bytes and the file has 0"),
        (b"\xff" * 8 + b"{}", "claims 18,446,744,073,709,551,615 bytes and the file has 10"),
        ((200).to_bytes(8, "little") + b"{}", "claims 200 bytes and the file has 10"),
        (with_header(b"{", b""), "does not fit its 9 bytes: invalid JSON"),
        (with_header(b"[" * 100_000, b""), "invalid JSON"),
        (with_header([1], b""), "invalid JSON"),
        (with_header({"a": 3}, b""), "invalid JSON"),
        (with_header({"a": {**F32, "dtype": []}}, b"1234"), "invalid JSON"),
        (with_header({"a": {**F32, "dtype": "F32\x1b"}}, b"1234"), "invalid JSON"),
        (with_header({"a": {**F32, "shape": [-1]}}, b"1234"), "integer `-1`"),
        (with_header({"a": {**F32, "shape": [True]}}, b"1234"), "boolean `true`"),
        (with_header({"a": {**F32, "shape": [0, 10**30]}}, b"1234"), "floating point"),
        (with_header({"a": {**F32, "shape": [1] * 65}}, b"1234"), "'a': .* 64, found 65"),
        (with_header({"a": {**F32, "shape": [2]}}, b"1234"), "invalid shape, data type, or offset"),
        (with_header({"a": {**F32, "data_offsets": [4, 8]}}, b"12345678"), "offset for tensor `a`"),
        (with_header({"a": F32, "b": F32}, b"1234"), r"invalid offset for tensor `[ab]`"),
        (with_header({"a": F32}, b"12345"), "file not fully covered"),
        # Terabytes.
        (
            with_header({"a": {**F32, "shape": [2**40], "data_offsets": [0, 2**42]}}, b"1234"),
            "does not fit its 97 bytes: .*file not fully covered",
        ),
        (
            with_header({"a": {**F32, "shape": [0, 2**62, 2**62], "data_offsets": [0, 0]}}, b""),
            "'a': ",
        ),
        (with_header(b'{"a": {}, "a": {}}', b""), "invalid JSON"),
    ],
)
def test_a_damaged_or_malicious_header_is_refused(content, message):
    with pytest.raises(WeightsError, match=message) as caught:
        read_safetensors(content, "weights.safetensors")
    assert "weights.safetensors cannot be read as safetensors: " in str(caught.value)
    assert str(caught.value).endswith("It is cut or damaged: fetch it again from its publisher")


def test_types_that_numpy_has_not_are_said():
    content = with_header({"a": {**F32, "dtype": "F4", "shape": [8]}}, b"1234")
    with pytest.raises(WeightsError, match=r"'a' is of type F4; expected one of .*BF16.* Save it"):
        read_safetensors(content, "x")


def test_a_header_of_any_length_is_not_read(monkeypatch):
    monkeypatch.setattr("jtransfer.nets.weights.safetensors._LONGEST_HEADER", 100)
    with pytest.raises(WeightsError, match=r"x has a header of 122 bytes; expected at most 100"):
        read_safetensors(
            with_header({"a": F32, "b": {**F32, "data_offsets": [4, 8]}}, b"12341234"), "x"
        )


def test_what_the_package_writes_is_read():
    tensors = {
        name: np.array([0, 1, 3]).astype(name)
        for name in (
            *("float64", "float32", "float16", "bfloat16", "bool"),
            *("int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8"),
        )
    }
    tensors |= {"empty": np.zeros((3, 0, 2)), "scalar": np.array(2.0)}
    read = read_safetensors(safetensors.numpy.save(tensors), "x")
    assert read.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert (read[name].dtype, read[name].shape) == (tensor.dtype, tensor.shape)
        np.testing.assert_array_equal(read[name], tensor)


def test_names_without_those_of_wrappers():
    content = safetensors.numpy.save({"module.a": np.zeros(1), "module.b": np.zeros(1)})
    assert sorted(read_safetensors(content, "x")) == ["a", "b"]
