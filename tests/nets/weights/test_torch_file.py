import io
import pickle
import warnings
import zipfile
from collections import OrderedDict

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


def state_dict(torch) -> OrderedDict:
    numbers = torch.arange(24.0)
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


@pytest.mark.parametrize(
    "value", [3, None, [1.0], {"weight": 1}, "text"], ids=lambda value: type(value).__name__
)
def test_what_is_no_state_dict_is_said(torch, saved, value):
    kind = type(value).__name__
    with pytest.raises(WeightsError, match=rf"holds a dict with epoch: {kind}; .*state_dict\(\)"):
        read_torch(saved({"w": torch.ones(2), "epoch": value}), "x.pth")


def test_a_lone_tensor_or_a_whole_module_is_refused(torch, saved):
    with pytest.raises(WeightsError, match="holds a Tensor; expected a dict"):
        read_torch(saved(torch.ones(2)), "x.pth")
    with (
        pytest.raises(WeightsError, match=r"wants to run torch\.nn\.modules\.linear\.Linear"),
        warnings.catch_warnings(action="ignore"),
    ):
        read_torch(saved(torch.nn.Linear(2, 2)), "x.pth")


def test_flagged_or_sparse_tensors_are_refused(torch, saved):
    negative = torch.conj(torch.complex(torch.ones(2), torch.ones(2))).imag
    assert negative.is_neg()
    with pytest.raises(WeightsError, match="conjugate or negative"):
        read_torch(saved({"w": negative}), "x.pth")
    with pytest.raises(WeightsError, match=r"wants to run torch\._utils\._rebuild_sparse_tensor"):
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
        (torch_zip(EMPTY, {"other/data.pkl": EMPTY}), r"holds 2 files <name>/data\.pkl"),
        (torch_zip(EMPTY, compression=zipfile.ZIP_DEFLATED), "compressed"),
        (torch_zip(EMPTY, {"weights/byteorder": b"big"}), "big-endian"),
        (b"PK\x05\x06" + bytes(18), r"holds 0 files <name>/data\.pkl"),
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
    with pytest.raises(WeightsError, match="claim more bytes than it has"):
        read_torch(bytes(content), "x.pth")


@pytest.mark.parametrize(
    ("size", "stride"),
    [
        ((3, 3), (3, 1)),  # one row more than there is
        ((2, 3), (2**61, 1)),  # would overflow in 64 bits
        ((10**9, 3), (0, 1)),  # the same numbers over and over
        ((1,) * 9, (1,) * 9),
    ],
)
def test_a_tensor_beyond_its_numbers_is_refused(torch, saved, size, stride):
    class Claims:
        def __reduce__(self):
            call = torch._utils._rebuild_tensor_v2
            return call, (torch.ones(6).storage(), 0, size, stride, False, OrderedDict())

    with (
        warnings.catch_warnings(action="ignore"),
        pytest.raises(WeightsError, match=r"'w' of shape .* reaches beyond its block"),
    ):
        read_torch(saved({"w": Claims()}), "x.pth")
