import argparse
import io
import pickle
import warnings
import zipfile
from collections import OrderedDict, defaultdict

import numpy as np
import pytest

from jtransfer.nets.weights.error import WeightsError
from jtransfer.nets.weights.torch_file import read_torch
from tests.nets.weight_files import attacks, torch_legacy, torch_zip

EMPTY = pickle.dumps({}, 2)


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


@pytest.fixture(params=["zip", "legacy"])
def saved(request, torch):
    """A function that saves as torch.save does, in either format."""

    def save(state) -> bytes:
        stream = io.BytesIO()
        torch.save(state, stream, _use_new_zipfile_serialization=request.param == "zip")
        return stream.getvalue()

    return save


def encrypted(archive: bytes) -> bytes:
    """A zip archive of one member that claims to be encrypted."""
    entry = archive.index(b"PK\x01\x02")
    return archive[: entry + 8] + b"\x01" + archive[entry + 9 :]


def state_dict(torch) -> OrderedDict:
    numbers = torch.arange(24.0)
    with_attribute = torch.nn.Parameter(torch.ones(2))
    with_attribute.no_decay = True
    return OrderedDict(
        {
            "plain": torch.randn(3, 4, generator=torch.Generator().manual_seed(0)),
            "scalar": torch.tensor(5),
            "transposed": numbers.reshape(4, 6).T,
            "window": numbers.reshape(4, 6)[1:3, 2:5],
            "parameter": torch.nn.Parameter(torch.ones(2)),
            **{
                name: torch.tensor([1, 2, 100]).to(getattr(torch, name))
                for name in ("float64", "float16", "int64", "int32", "int16", "int8", "uint8")
            },
            "bool": torch.tensor([True, False]),
            "complex": torch.tensor([1 + 2j]),
            "uint16": torch.tensor([1, 65_535], dtype=torch.uint16),
            "empty": torch.ones(0),
            "empty maps": torch.ones(3, 0, 2),
            "expanded": torch.tensor([1.0, 2.0]).expand(3, 2),
            "shared": numbers[:3],
            "with an attribute": with_attribute,
        }
    )


def test_tensors_are_those_that_torch_saved(torch, saved):
    state = state_dict(torch)
    read = read_torch(saved(state), "x.pth")
    assert list(read) == list(state)
    for name, tensor in state.items():
        expected = tensor.detach().numpy()
        assert read[name].dtype == expected.dtype
        np.testing.assert_array_equal(read[name], expected)


def test_bfloat16(torch, saved):
    values = [1.0, -2.5, 3e38]
    read = read_torch(saved({"w": torch.tensor(values, dtype=torch.bfloat16)}), "x.pth")["w"]
    assert read.dtype.name == "bfloat16"
    np.testing.assert_allclose(read.astype(np.float32), values, rtol=2**-8)


def test_a_whole_net_with_batch_norm(torch, saved):
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    read = read_torch(saved(net.state_dict()), "x.pth")
    assert list(read) == list(net.state_dict())
    np.testing.assert_array_equal(read["0.weight"], net[0].weight.detach().numpy())


def test_the_numbers_cannot_be_overwritten(torch, saved):
    assert not read_torch(saved({"w": torch.ones(2)}), "x.pth")["w"].flags.writeable


@pytest.mark.parametrize("keep", [0.05, 0.5, 0.9, 0.999])
def test_a_cut_file_is_refused(torch, saved, keep):
    whole = saved(state_dict(torch))
    with pytest.raises(WeightsError, match=r"x\.pth cannot be read.* from its publisher"):
        read_torch(whole[: int(keep * len(whole))], "x.pth")


def test_no_damage_does_anything_but_be_refused(torch, saved):
    """Every byte of a file is changed in turn: what is read is as long as before, or refused."""
    whole = saved({"w": torch.ones(2, 2), "b": torch.ones(2)})
    refused = 0
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        try:
            with warnings.catch_warnings(action="ignore"):  # zipfile, of names that occur twice
                read = read_torch(bytes(damaged), "x.pth")
        except WeightsError:
            refused += 1
        else:
            assert all(array.size <= 4 for array in read.values())
    assert refused > 300


def checkpoint(torch) -> dict:
    """What a training script keeps: weights, their average, and all that is no tensor."""
    net = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    return {
        "epoch": 3,
        "optimizer": optimizer.state_dict(),
        "args": argparse.Namespace(lr=0.1, shape=torch.Size([2, 3]), device=torch.device("cpu")),
        "best_acc1": torch.tensor(0.5),
        "mean": np.float64(0.25),
        "history": defaultdict(list, loss=[1.0, 0.5]),
        "type": torch.float32,
        "sparse": torch.ones(2).to_sparse(),
    }


@pytest.mark.parametrize(
    ("entries", "taken"),
    [
        (("state_dict",), "state_dict"),
        (("model",), "model"),
        (("model_state_dict",), "model_state_dict"),
        (("model_ema",), "model_ema"),
        (("model_ema", "model"), "model"),
        (("state_dict_ema", "model", "state_dict"), "state_dict"),
    ],
)
def test_the_state_dict_in_a_checkpoint(torch, saved, entries, taken):
    state = checkpoint(torch)
    for number, entry in enumerate(entries):
        state[entry] = OrderedDict(w=torch.full((2,), float(number)))
    read = read_torch(saved(state), "x.pth")
    assert list(read) == ["w"]
    np.testing.assert_array_equal(read["w"], 2 * [entries.index(taken)])


def test_one_entry_in_another_and_a_module_that_is_called_model(torch, saved):
    inner = {"model": {"state_dict": {"w": torch.ones(2)}, "epoch": 1}, "epoch": 2}
    assert list(read_torch(saved(inner), "x.pth")) == ["w"]
    assert list(read_torch(saved({"model": torch.ones(2)}), "x.pth")) == ["model"]


def test_names_without_those_of_wrappers(torch, saved):
    net = torch.nn.Sequential(torch.nn.Linear(2, 1))
    plain = ["0.weight", "0.bias"]
    parallel = torch.nn.DataParallel(net)
    assert list(read_torch(saved(parallel.state_dict()), "x.pth")) == plain
    twice = {f"module._orig_mod.{name}": value for name, value in net.state_dict().items()}
    assert list(read_torch(saved(twice), "x.pth")) == plain
    averaged = torch.optim.swa_utils.AveragedModel(net)
    assert "n_averaged" in averaged.state_dict()
    assert list(read_torch(saved({"model_ema": averaged.state_dict()}), "x.pth")) == plain
    # A module that is called so by the net itself.
    own = {"module.weight": torch.ones(1), "head.weight": torch.ones(1)}
    assert list(read_torch(saved(own), "x.pth")) == list(own)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (3, "int"),
        (None, "NoneType"),
        ([1.0], "list"),
        ({"weight": 1}, "dict"),
        ("text", "str"),
        (argparse.Namespace(a=1), r"argparse\.Namespace"),
        (np.zeros(2), r"numpy\.ndarray"),
        (dict, r"the name __builtin__\.dict"),
    ],
)
def test_what_is_no_state_dict_is_said(torch, saved, value, kind):
    with pytest.raises(WeightsError, match=rf"holds a dict with epoch: {kind}; .*state_dict\(\)"):
        read_torch(saved({"w": torch.ones(2), "epoch": value}), "x.pth")


def test_a_state_dict_under_another_name_is_said(torch, saved):
    nets = {name: {"w": torch.ones(2), "b": torch.ones(1)} for name in ("online", "target")}
    with pytest.raises(
        WeightsError,
        match="online: a state dict of 2 tensors, target: a state dict of 2 tensors; expected a "
        "dict of names and tensors, or one under state_dict, model_state_dict, model, ",
    ):
        read_torch(saved(nets), "x.pth")
    others = {str(number): number for number in range(9)}
    with pytest.raises(WeightsError, match=r"0: int, .*, 4: int and 4 more; expected"):
        read_torch(saved(others), "x.pth")


def test_a_lone_tensor_or_a_whole_module_is_refused(torch, saved):
    with pytest.raises(WeightsError, match=r"holds a lone value \(Tensor\); expected a dict"):
        read_torch(saved(torch.ones(2)), "x.pth")
    with warnings.catch_warnings(action="ignore"):
        whole = torch.nn.Linear(2, 2)
        says = r"holds a .*torch\.nn\.modules\.linear\.Linear.*; .* Save the net's state_dict\(\) "
        for module in (saved(whole), saved({"model": whole, "epoch": 3})):
            with pytest.raises(WeightsError, match=says):
                read_torch(module, "x.pth")


def test_flagged_or_sparse_tensors_are_refused(torch, saved):
    negative = torch.conj(torch.complex(torch.ones(2), torch.ones(2))).imag
    assert negative.is_neg()
    with pytest.raises(WeightsError, match="conjugate or negative"):
        read_torch(saved({"w": negative}), "x.pth")
    with pytest.raises(WeightsError, match=r"dict with w: torch\._utils\._rebuild_sparse_tensor"):
        read_torch(saved({"w": torch.ones(2).to_sparse()}), "x.pth")


@pytest.mark.parametrize("attack", ["os.system", "eval", "getattr chain"])
@pytest.mark.parametrize("wrap", [torch_zip, torch_legacy, bytes], ids=["zip", "legacy", "bare"])
def test_a_file_that_would_run_code_is_refused(tmp_path, wrap, attack):
    weapon, runs = attacks(tmp_path / "ran")[attack]
    with pytest.raises(WeightsError, match=rf"x\.pth wants to run {runs}"):
        read_torch(wrap(pickle.dumps({"w": weapon}, 2)), "x.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "name", ["../../evil", "weights/../../evil", "/etc/evil", "..\\evil", "weights/data/.."]
)
def test_paths_that_lead_out_of_the_archive_are_refused(name):
    with pytest.raises(WeightsError, match="leads out of the archive"):
        read_torch(torch_zip(EMPTY, {name: b"x"}), "x.pth")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (torch_zip(EMPTY, {"weights/data.pkl": EMPTY}), "two files of one name"),
        (torch_zip(EMPTY, {"other/data.pkl": EMPTY}), r"2 files with 2 <name>/data\.pkl"),
        (torch_zip(EMPTY, compression=zipfile.ZIP_DEFLATED), r"compressed \(deflate; in all"),
        (torch_zip(EMPTY, compression=zipfile.ZIP_LZMA), r"data\.pkl is compressed \(LZMA"),
        # A bomb: 64 MiB of zeros.
        (
            torch_zip(EMPTY, {"weights/data/0": bytes(1 << 26)}, compression=zipfile.ZIP_BZIP2),
            r"compressed \(bzip2; in all 64\.0 MiB in \d+ bytes\)\. Unpack it, and pack it without",
        ),
        (encrypted(torch_zip(EMPTY)), r"weights/data\.pkl is encrypted\. Decrypt it"),
        (torch_zip(EMPTY, {"weights/byteorder": b"big"}), "big-endian"),
        (b"PK\x05\x06" + bytes(18), r"archive of 0 files with 0 <name>/data\.pkl"),
        (pickle.dumps({}, 2) * 2, "torch.save did not write"),
        (torch_legacy(EMPTY) + b"more", "4 bytes follow its end"),
        (torch_legacy(EMPTY).replace(b"\x88u.", b"\x89u."), "little-endian"),
        (torch_legacy(EMPTY, keys=["0"]), "list of blocks"),
        (torch_legacy(EMPTY, keys=[["0"]]), "list of blocks"),
    ],
)
def test_what_torch_would_never_write_is_refused(content, message):
    with pytest.raises(WeightsError, match=message):
        read_torch(content, "x.pth")


def test_a_file_that_claims_to_be_larger_than_it_is_refused():
    content = bytearray(torch_zip(EMPTY))
    entry = content.index(b"PK\x01\x02")
    content[entry + 20 : entry + 28] = 2 * (10**9).to_bytes(4, "little")
    with pytest.raises(WeightsError, match=r"claim more bytes than it has, [\d,]+ of [\d,]+\."):
        read_torch(bytes(content), "x.pth")


def claims(torch, size, stride):
    """Six numbers that are saved as a tensor of any size."""

    class Claims:
        def __reduce__(self):
            call = torch._utils._rebuild_tensor_v2
            return call, (torch.ones(6).storage(), 0, size, stride, False, OrderedDict())

    return Claims()


@pytest.mark.parametrize(
    ("size", "stride", "says"),
    [
        ((3, 3), (3, 1), r"'w' of shape \(3, 3\) reaches beyond its block"),  # a row too many
        ((2, 3), (2**61, 1), "reaches beyond its block"),  # would overflow in 64 bits
        ((2**62,), (2**62,), "claims over 1,024 PiB of data"),
        # The same numbers over and over: terabytes, or more than any number can say.
        ((10**12, 3), (0, 1), r"claims 10\.9 TiB of data in .* on disk; expected at most 64 times"),
        ((2**62,) * 64, (0,) * 64, "claims over 1,024 PiB of data"),
        ((0, 2**62, 2**62), (1, 1, 1), r"of shape \(0, 4611686018427387904, "),
        ((1,) * 300, (1,) * 300, "300 dimensions and 300 strides; expected .* at most 64"),
        ((1, 1), (1,), "2 dimensions and 1 strides"),
        ((-1,), (1,), "are no sizes"),
        ((2**63,), (1,), "are no sizes"),
    ],
)
@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
def test_a_tensor_beyond_its_numbers_is_refused(torch, saved, size, stride, says):
    with pytest.raises(WeightsError, match=says):
        read_torch(saved({"w": claims(torch, size, stride)}), "x.pth")


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
def test_sides_of_one_may_have_any_stride(torch, saved):
    read = read_torch(saved({"w": claims(torch, (1, 6, 1), (2**62, 1, 2**62))}), "x.pth")
    np.testing.assert_array_equal(read["w"], np.ones((1, 6, 1)))


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
def test_many_tensors_of_the_same_numbers_are_bounded(torch, saved, monkeypatch):
    """Tied weights are read, and take the memory of one; thousands of them are no net's."""
    tied = torch.ones(1000)
    read = read_torch(saved({str(number): tied for number in range(3)}), "x.pth")
    assert np.shares_memory(read["0"], read["2"])
    monkeypatch.setattr("jtransfer.files.memory._SMALL", 100_000)
    with pytest.raises(WeightsError, match=r"claims 3\.8 MiB of data in .* KiB on disk"):
        read_torch(saved({str(number): tied for number in range(1000)}), "x.pth")


def test_an_archive_of_very_many_members_is_not_listed():
    content = b"PK\x03\x04" + b"PK\x01\x02" * 100_001
    with pytest.raises(WeightsError, match="it has 100,001 members; expected at most 100,000"):
        read_torch(content, "x.pth")
