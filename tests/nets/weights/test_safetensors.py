import ml_dtypes
import numpy as np
import pytest

from jtransfer.nets.weights.error import WeightsError
from jtransfer.nets.weights.safetensors import read_safetensors
from tests.nets.weight_files import safetensors, with_header

TENSORS = {
    "b": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a": np.array([1.5, -2.0], np.float16),
    "count": np.array(7, np.int64),
}
F32 = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


def test_tensors_by_name_with_shape_and_type():
    read = read_safetensors(safetensors(TENSORS, __metadata__={"format": "pt"}), "x")
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
        read_safetensors(safetensors(TENSORS)[:-missing], "weights.safetensors")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file has 0"),
        (b"\xff" * 8 + b"{}", "claims 18,446,744,073,709,551,615 bytes"),
        ((200).to_bytes(8, "little") + b"{}", "claims 200 bytes and the file has 10"),
        (with_header(b"{", b""), "no table of tensors"),
        (with_header(b"[" * 100_000, b""), "no table of tensors"),
        (with_header([1], b""), "no table of tensors"),
        (with_header({"a": 3}, b""), "no table of tensors"),
        (with_header({"a": {**F32, "more": 1}}, b"1234"), "no table of tensors"),
        (with_header({"a": {**F32, "dtype": "C64"}}, b"1234"), "'a' is of type 'C64'"),
        (with_header({"a": {**F32, "dtype": []}}, b"1234"), "no table of tensors"),
        (with_header({"a": {**F32, "shape": [-1]}}, b"1234"), "are no sizes"),
        (with_header({"a": {**F32, "shape": [True]}}, b"1234"), "are no sizes"),
        (with_header({"a": {**F32, "shape": [0, 10**30]}}, b"1234"), "are no sizes"),
        (with_header({"a": {**F32, "shape": [1] * 9}}, b"1234"), "9 dimensions"),
        (with_header({"a": {**F32, "shape": [2]}}, b"1234"), r"takes 8 bytes .* span 4"),
        (with_header({"a": {**F32, "data_offsets": [4, 8]}}, b"12345678"), "a gap before 'a'"),
        (with_header({"a": F32, "b": F32}, b"1234"), "an overlap with 'b'"),
        (with_header({"a": F32}, b"12345"), "take 4 bytes and the file has 5"),
        (
            with_header({"a": {**F32, "shape": [2**40], "data_offsets": [0, 2**42]}}, b"1234"),
            "take 4,398,046,511,104 bytes and the file has 4",
        ),
        (with_header(b'{"a": {}, "a": {}}', b""), "occurs twice"),
    ],
)
def test_a_damaged_or_malicious_header_is_refused(content, message):
    with pytest.raises(WeightsError, match=message):
        read_safetensors(content, "weights.safetensors")
