import pytest
from hypothesis import given, strategies as some
from tensorflow_datasets.proto import tf_example_pb2

from jtransfer.data.sources.tf_example import read_example

INTEGERS = some.integers(-(2**63), 2**63 - 1)
VALUES = some.one_of(
    some.lists(some.binary(max_size=20), min_size=1, max_size=4),
    some.lists(INTEGERS, min_size=1, max_size=4),
)


@given(some.dictionaries(some.text(max_size=8), VALUES, max_size=4))
def test_what_protocol_buffers_write_comes_back(features):
    example = tf_example_pb2.Example()
    for name, values in features.items():
        kind = "bytes_list" if isinstance(values[0], bytes) else "int64_list"
        getattr(example.features.feature[name], kind).value.extend(values)
    example.features.feature["scores"].float_list.value.extend([0.5])
    assert read_example(example.SerializeToString()) == {**features, "scores": []}


def test_integers_may_be_written_one_by_one():
    # Feature {int64_list: {value: 3, value: 300}} of the name "n", unpacked, by the wire format.
    values = b"\x08\x03\x08\xac\x02"
    feature = b"\x1a" + bytes([len(values)]) + values
    entry = b"\x0a\x01n\x12" + bytes([len(feature)]) + feature
    features = b"\x0a" + bytes([len(entry)]) + entry
    assert read_example(b"\x0a" + bytes([len(features)]) + features) == {"n": [3, 300]}


@pytest.mark.parametrize("record", [b"\x0a\x05ab", b"\xff" * 12, b"\x0b", b"\x09\x00", b"\x0a"])
def test_what_is_no_message_is_an_error(record):
    with pytest.raises(ValueError, match="record of tf"):
        read_example(record)


def message(field, content):
    size, length = len(content), b""
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([field << 3 | 2]) + length + bytes([size]) + content


def test_only_features_that_are_asked_for_are_read_and_none_of_very_many_numbers():
    numbers = message(3, message(1, bytes(100_001)))
    record = message(1, message(1, message(1, b"label") + message(2, numbers)))
    assert read_example(record, ["image"]) == {}
    with pytest.raises(ValueError, match="over 100,000 numbers in a feature"):
        read_example(record, ["label"])
    with pytest.raises(ValueError, match="over 100,000 fields in a message"):
        read_example(b"\x08\0" * 100_001)
