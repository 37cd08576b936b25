"""Records of the kind `tf.train.Example`, read without TensorFlow.

The message is a map from names to lists: of bytes, of floats or of integers
(github.com/tensorflow/tensorflow, core/example/feature.proto), in the wire format of protocol
buffers (protobuf.dev/programming-guides/encoding). Lists of floats are not needed here.
"""

from collections.abc import Collection, Iterator
from itertools import count, islice

_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5  # kinds of fields
_BYTES_LIST, _INT64_LIST = 1, 3  # fields of a feature
# Of a message; the labels of one example are some dozens. A record unpacks to a thousand times its
# size on disk where it is made to, and every number takes a microsecond.
_MOST = 100_000


def read_example(
    record: bytes, names: Collection[str] | None = None
) -> dict[str, list[bytes] | list[int]]:
    """The features of a record: {name: values}; those of floats are left empty.

    Args:
      record: the message.
      names: of the only features to read; None for all.

    Raises:
      ValueError: if the record is no such message, or has over 100,000 values of one feature.
    """
    features: dict[str, list[bytes] | list[int]] = {}
    for _, message in _parts(record, 1):
        for _, entry in _parts(message, 1):
            pair = dict(_parts(entry, 1, 2))
            name = pair.get(1, b"").decode()
            if names is None or name in names:
                features[name] = _values(pair.get(2, b""))
    return features


def _values(feature: bytes) -> list[bytes] | list[int]:
    for field, content in _parts(feature, _BYTES_LIST, _INT64_LIST):
        if field == _BYTES_LIST:
            return [value for _, value in _parts(content, 1)]
        values = [*islice(map(_signed, _integers(content)), _MOST + 1)]
        if len(values) > _MOST:
            raise ValueError(
                f"a record of tf.train.Example has over {_MOST:,} numbers in a feature"
            )
        return values
    return []


def _parts(message: bytes, *fields: int) -> Iterator[tuple[int, bytes]]:
    """Those of the given fields of a message that hold bytes."""
    for field, value in _fields(message):
        if field in fields and isinstance(value, bytes):
            yield field, value


def _integers(message: bytes) -> Iterator[int]:
    """Field 1 of a list of integers, packed together or one by one."""
    for field, value in _fields(message):
        if field != 1:
            continue
        if isinstance(value, int):
            yield value
            continue
        place = 0
        while place < len(value):
            number, place = _varint(value, place)
            yield number


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    place = 0
    for number in count():
        if place == len(message):
            return
        if number == _MOST:
            raise ValueError(f"a record of tf.train.Example has over {_MOST:,} fields in a message")
        key, place = _varint(message, place)
        field, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, place = _varint(message, place)
            yield field, value
            continue
        if kind == _BYTES:
            size, place = _varint(message, place)
        elif kind in (_FIXED_32, _FIXED_64):
            size = 4 if kind == _FIXED_32 else 8
        else:
            raise ValueError(f"a field of kind {kind} in a record of tf.train.Example")
        if size > len(message) - place:
            raise ValueError("a record of tf.train.Example ends within a field")
        yield field, message[place : place + size]
        place += size


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and where it ends."""
    number = 0
    for shift in range(0, 70, 7):
        if place == len(message):
            break
        byte = message[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
    raise ValueError("a record of tf.train.Example ends within a number")


def _signed(number: int) -> int:
    """Of 64 bits, as negative numbers are written."""
    number &= 2**64 - 1
    return number - 2**64 if number >= 2**63 else number
