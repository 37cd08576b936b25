import argparse
import copyreg
import io
import os
import pickle
import pickletools
import time
import tracemalloc
from collections import Counter, OrderedDict, defaultdict
from datetime import datetime
from pathlib import PurePosixPath

import numpy as np
import pytest

from jtransfer.nets.weights.error import WeightsError
from jtransfer.nets.weights.pickled import read_pickle
from jtransfer.nets.weights.torch_objects import Name, Other, Storage, Tensor
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


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_plain_data_is_read_as_pickle_reads_it(protocol):
    data = {
        "numbers": [0, 255, 70_000, -1, 2**70, 0.25],
        "tuples": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
        "others": [None, True, False, "text", "ö" * 300, [], {"a": "b"}],
        "twice": ["text", OrderedDict(a=1, b=2)],
        "by default": defaultdict(list, a=[1]),
        "keys": {0: "of an optimizer", 0.5: None, None: 1, True: 2, (0, 1): "left out"},
        2**70: "left out",
    }
    if protocol > 2:  # before, bytes are made by a call
        data["bytes"] = [b"", b"abc", b"a" * 300]
    expected = dict(data, keys={key: data["keys"][key] for key in (0, 0.5, None, True)})
    del expected[2**70]
    assert read(pickle.dumps(data, protocol)) == expected


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_what_checkpoints_hold_besides_is_only_noted(protocol):
    beside = {
        "args": argparse.Namespace(lr=0.1, betas=(0.9, 0.999), nested=argparse.Namespace(a=[1])),
        "best": np.float64(0.5),
        "order": np.arange(3),
        "objects": np.array([{1: 2}, None], object),
        "seen": {1, 2},
        "ever": frozenset(("a",)),
        "count": Counter("abc"),
        "when": datetime(2026, 1, 2),
        "where": PurePosixPath("a/b"),
        "class": dict,
        "number": 2j,
    }
    read_back = read(pickle.dumps(beside, protocol))
    assert read_back.keys() == beside.keys()
    assert read_back.pop("class") in (Name("builtins", "dict"), Name("__builtin__", "dict"))
    assert all(isinstance(value, Other) for value in read_back.values())
    assert read_back["args"] == Other("argparse.Namespace")


def test_a_path_as_python_3_13_writes_it_is_only_noted():
    written = pickle.dumps(PurePosixPath("a"), 0)
    for module in (b"pathlib", b"pathlib._local"):
        content = written.replace(b"cpathlib._local\n", b"cpathlib\n")
        content = content.replace(b"cpathlib\n", b"c" + module + b"\n")
        assert isinstance(read(content), Other)


def test_python_objects_of_any_class_are_a_name_and_never_made():
    """As by protocol 2 of a class `lib.Config` that keeps a dict, and by `lib.Table`, a dict."""
    config = b"clib\nConfig\n)\x81}U\x01aK\x01sb"
    table = b"clib\nTable\n)\x81(U\x01aK\x01u"
    assert read(b"\x80\x02(" + config + table + b"l.") == [Other("lib.Config"), Other("lib.Table")]


def test_pickles_in_a_row_are_read_one_by_one():
    stream = io.BytesIO(pickle.dumps("a", 2) + pickle.dumps(["b"], 2) + b"rest")
    assert [read_pickle(stream, "x") for _ in range(2)] == ["a", ["b"]]
    assert stream.read() == b"rest"


@pytest.mark.parametrize("module", [b"torch", b"torch.cuda"])
def test_a_tensor_is_written_down_and_not_made(module):
    storage = STORAGE.replace(b"ctorch\n", b"c" + module + b"\n")
    expected = Tensor(Storage("0", np.dtype("<f4"), 6), 1, (2, 3), (3, 1))
    assert read(rebuilt(storage)) == expected


def test_storages_are_told_and_are_of_one_kind_each():
    storages = {}
    stream = io.BytesIO(b"(" + STORAGE + STORAGE + b"l.")
    first, second = read_pickle(stream, "x", storages=storages)
    assert first == second
    assert storages == {"0": Storage("0", np.dtype("<f4"), 6)}
    for other in (STORAGE.replace(b"Float", b"Int"), STORAGE.replace(b"K\x06", b"K\x07")):
        with pytest.raises(WeightsError, match="describes the storage 0 in two ways"):
            read(b"(" + STORAGE + other + b"l.")


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
    "name",
    [
        b"cos\nsystem\n",
        stack_global("os", "system"),
        # What belongs to something allowed is not allowed.
        stack_global("collections", "OrderedDict.fromkeys"),
        stack_global("torch._utils", "_rebuild_tensor_v2.__globals__"),
        b"ctorch\nload\n",
        b"ctorch.storage\n_load_from_bytes\n",
        b"cos\nFloatStorage\n",
        b"ctorch.nn.modules.conv\nConv2d\n",
        b"cnumpy\nload\n",
        b"ccopyreg\nadd_extension\n",
        b"cbuiltins\neval\n",
        b"ccollections\nnamedtuple\n",
    ],
)
def test_only_what_checkpoints_need_may_be_called(name):
    if name.endswith(b"."):
        name = name[2:-1]  # without protocol and end
    module, function = pickle_name(name)
    assert read(name + b".") == Name(module, function), "a name alone is data"
    arguments = b"(U\x01a"
    object_of_old = arguments.replace(b"(", b"(" + name) + b"o."
    for call in (name + arguments + b"tR.", object_of_old):
        with pytest.raises(WeightsError, match=rf"wants to run {module}\.{function}, and nothing"):
            read(call)
    with pytest.raises(WeightsError, match=rf"wants to run {module}\.{function}, and nothing"):
        read(arguments + f"i{module}\n{function}\n.".encode())


def pickle_name(pickled: bytes) -> tuple[str, str]:
    """Module and name in the pickle of something importable."""
    words = (argument for _, argument, _ in pickletools.genops(pickled + b".") if argument)
    module, name = " ".join(words).split()
    return module, name


class Rebuilt:
    """Pickled, is what a function of torch._utils would make of odd arguments."""

    def __init__(self, reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


@pytest.mark.parametrize("odd", ["storage", "shape", "hooks", "by type", "state", "sparse"])
def test_functions_of_torch_used_oddly_run_nothing(tmp_path, odd):
    utils = pytest.importorskip("torch._utils")
    tensor = pytest.importorskip("torch._tensor")
    marker = tmp_path / "ran"
    weapon = attacks(marker)["os.system"][0]
    v2, by_type = utils._rebuild_tensor_v2, tensor._rebuild_from_type_v2
    reduced = {
        "storage": (v2, (weapon, 0, (1,), (1,), False, None)),
        "shape": (v2, (1, 0, weapon, (1,), False, None)),
        "hooks": (v2, (1, 0, (1,), (1,), False, OrderedDict(hook=weapon))),
        "by type": (by_type, (os.system, dict, (f"touch {marker}",), {})),
        "state": (utils._rebuild_parameter_with_state, (1, False, {}, {"a": weapon})),
        "sparse": (utils._rebuild_sparse_tensor, (weapon, 1)),
    }[odd]
    pickled = pickle.dumps({"w": Rebuilt(reduced)}, 2)
    if odd == "by type":
        assert read(pickled) == {"w": Other("a tensor of a class of its own")}
    else:
        with pytest.raises(WeightsError, match=r"wants to run posix\.system"):
            read(pickled)
    assert not marker.exists()


def test_arrays_of_objects_and_copyreg_run_nothing(tmp_path):
    marker = tmp_path / "ran"
    weapon = attacks(marker)["os.system"][0]
    array = np.empty(1, object)
    array[0] = weapon
    for value in (array, Rebuilt((copyreg._reconstructor, (Rebuilt, object, weapon)))):
        with pytest.raises(WeightsError, match=r"wants to run posix\.system"):
            read(pickle.dumps({"w": value}, 2))
    # By a class that is only named, as `copyreg` makes objects: no call, and nothing is made.
    by_class = b"\x80\x02ccopyreg\n_reconstructor\n(cos\nsystem\ncbuiltins\nobject\nU\x06id > xtR."
    assert read(by_class) == Other("os.system")
    assert not marker.exists()


@pytest.mark.parametrize(
    "pickled",
    [
        b"\x80\x02ccollections\nOrderedDict\n}b.",  # attributes for a class
        b"\x80\x02U\x02os)\x81.",  # a new object of a string
        b"\x80\x02\x82\x01.",  # by a registered number
        b"\x80\x02U\x02os)R.",  # a call of a string
        b"\x80\x02K\x01Q.",  # a storage that is a number
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
        rebuilt(STORAGE.replace(b"ctorch\n", b"cos\n")),
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
    assert read(laughs) == {}
    # A function by its name that is such a tuple.
    by_type = b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n()"
    assert isinstance(read(by_type + b"q\x00h\x00\x86" * 200 + b"N)NtR."), Other)


@pytest.mark.parametrize(
    ("pickled", "says"),
    [
        (b"\x80\x02" + b"}" * 10_001 + b".", "more than 10,000 instructions"),
        (b"\x80\x02" + b"]" * 6000 + b"a" * 5999 + b".", "more than 10,000 instructions"),
        # One list of 3,000 pairs for one call after another.
        (
            b"ccollections\nOrderedDict\nq\x00]("
            + b"U\x01aK\x01\x86q\x02"
            + b"h\x02" * 3000
            + b"e\x85q\x01("
            + b"h\x00h\x01R" * 3000
            + b"l.",
            "more than 10,000 instructions",
        ),
        (
            rebuilt().replace(b"K\x02K\x03\x86", b"(" + b"K\x01" * 3000 + b"t"),
            "3,000 dimensions and 2 strides; expected as many of each, at most 64",
        ),
        (b"\x80\x02}U\xff" + b"\x8a\xff" + b"\x01" * 300 + b".", "damaged"),
        (b"}X" + (20_000).to_bytes(4, "little") + b"a" * 20_000 + b"K\x01s.", "20,000 characters"),
        (b"\x8e" + b"\xff" * 7 + b"\x7f.", "damaged"),
    ],
)
def test_what_would_take_much_memory_or_time_is_refused(monkeypatch, pickled, says):
    monkeypatch.setattr("jtransfer.nets.weights.pickled._MOST_INSTRUCTIONS", 10_000)
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(WeightsError, match=says) as caught:
        read(pickled)
    seconds = time.process_time() - start
    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(str(caught.value)) < 1000
    # A hundred times as much at the real limit: half a gigabyte.
    assert memory < 5e6
    assert seconds < 2
