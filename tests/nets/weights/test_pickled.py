import io
import pickle
from collections import OrderedDict

import numpy as np
import pytest

from jtransfer.nets.weights.error import WeightsError
from jtransfer.nets.weights.pickled import Storage, Tensor, read_pickle
from tests.nets.weight_files import attacks

STORAGE = (
    b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x06tQ"
)


def rebuilt(storage: bytes = STORAGE, rest: bytes = b"\x89}") -> bytes:
    """The pickle of a 2 x 3 tensor from the second number of a storage of six."""
    call, window = b"ctorch._utils\n_rebuild_tensor_v2\n(", b"K\x01K\x02K\x03\x86K\x03K\x01\x86"
    return b"\x80\x02" + call + storage + window + rest + b"tR."


def stack_global(module: str, name: str) -> bytes:
    """The pickle of something importable by its name, as since protocol 4."""
    words = b"".join(b"\x8c" + bytes([len(word)]) + word.encode() for word in (module, name))
    return b"\x80\x04" + words + b"\x93."


def read(pickled: bytes):
    return read_pickle(io.BytesIO(pickled), "weights.pth")


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_data_is_read_as_pickle_reads_it(protocol):
    data = {
        "numbers": [0, 255, 70_000, -1, 2**70, 0.25],
        "tuples": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
        "others": [None, True, False, "text", "ö" * 300, [], {"a": "b"}],
        "twice": ["text", OrderedDict(a=1, b=2)],
    }
    assert read(pickle.dumps(data, protocol)) == data


def test_pickles_in_a_row_are_read_one_by_one():
    stream = io.BytesIO(pickle.dumps("a", 2) + pickle.dumps(["b"], 2) + b"rest")
    assert [read_pickle(stream, "x") for _ in range(2)] == ["a", ["b"]]
    assert stream.read() == b"rest"


@pytest.mark.parametrize("module", [b"torch", b"torch.cuda"])
def test_a_tensor_is_written_down_and_not_made(module):
    storage = STORAGE.replace(b"ctorch\n", b"c" + module + b"\n")
    expected = Tensor(Storage("0", np.dtype("<f4"), 6), 1, (2, 3), (3, 1))
    assert read(rebuilt(storage)) == expected


def test_python_2_gave_the_items_of_a_dict_to_the_call():
    pickled = b"\x80\x02ccollections\nOrderedDict\n](](U\x01aK\x05ee\x85R."
    assert read(pickled) == pickle.loads(pickled) == {"a": 5}


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("attack", ["os.system", "eval", "getattr chain"])
def test_what_would_run_code_is_refused_and_named(tmp_path, attack, protocol):
    marker = tmp_path / "ran"
    weapon, runs = attacks(marker)[attack]
    pickled = pickle.dumps({"conv1.weight": weapon}, protocol)
    with pytest.raises(WeightsError, match=rf"weights\.pth wants to run {runs}, and nothing"):
        read(pickled)
    assert not marker.exists()
    pickle.loads(pickled)
    assert marker.exists(), "the attack is a blank"


@pytest.mark.parametrize(
    ("pickled", "runs"),
    [
        (b"cos\nsystem\n.", r"os\.system"),
        (b"(ios\nsystem\n.", r"os\.system"),
        (stack_global("os", "system"), r"os\.system"),
        # What belongs to something allowed is not allowed.
        (stack_global("collections", "OrderedDict.fromkeys"), r"collections\.OrderedDict\.from"),
        (stack_global("torch._utils", "_rebuild_tensor_v2.__globals__"), r".*\.__globals__"),
        (b"ctorch\nload\n.", r"torch\.load"),
        (b"cos\nFloatStorage\n.", r"os\.FloatStorage"),
        (b"ctorch.nn.modules.conv\nConv2d\n.", r"torch\.nn\.modules\.conv\.Conv2d"),
    ],
)
def test_every_way_to_name_something_is_watched(pickled, runs):
    with pytest.raises(WeightsError, match=f"wants to run {runs}"):
        read(pickled)


@pytest.mark.parametrize(
    "pickled",
    [
        b"\x80\x02ccollections\nOrderedDict\n}b.",  # attributes for a class
        b"\x80\x02ccollections\nOrderedDict\n)\x81.",  # a new object without a call
        b"\x80\x02\x82\x01.",  # by a registered number
        b"\x80\x02ctorch\nFloatStorage\n)R.",  # a call of what is no function
        b"\x80\x02U\x02os)R.",  # a call of a string
        b"\x80\x02K\x01Q.",  # a storage that is a number
        b"\x80\x02}K\x01K\x02s.",  # a key that is a number
        b"\x80\x02}(U\x01aK\x01U\x01bu.",  # a key without a value
        b"\x80\x02h\x05.",  # something that was never remembered
        b"\x80\x02e.",
        b"\x80\x020.",
        b"\x80\x02.",
        b"\x80\x02}",
        b"",
        b"\xff\xfe",
        rebuilt(STORAGE.replace(b"K\x06", b"J\xff\xff\xff\xff")),  # a negative size
        rebuilt(STORAGE.replace(b"FloatStorage", b"OrderedDict").replace(b"torch", b"collections")),
        rebuilt(b"K\x01"),
        rebuilt(rest=b"\x89}}U\x03negK\x01s"),  # numbers whose signs are to be changed
        rebuilt().replace(b"K\x02K\x03\x86", b"K\x00K\x03\x86"),
        rebuilt().replace(b"K\x02K\x03\x86", b"K\x02\x85"),
        rebuilt().replace(b"K\x02K\x03\x86", b"G@\x00\x00\x00\x00\x00\x00\x00K\x03\x86"),
    ],
)
def test_anything_but_a_state_dict_is_refused(pickled):
    with pytest.raises(WeightsError, match=r"weights\.pth cannot be read: its pickle is damaged"):
        read(pickled)


def test_small_files_do_not_take_much_memory_or_time():
    far = b"\x80\x02}r\xff\xff\xff\x7f."
    assert read(far) == {}
    # A tuple of 2^200 empty tuples, as a key: its hash would never be known.
    laughs = b"\x80\x02})" + b"q\x00h\x00\x86" * 200 + b"K\x01s."
    with pytest.raises(WeightsError, match="tuple where a str is expected"):
        read(laughs)
