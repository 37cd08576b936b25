import hashlib
import os
import pickle
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict

from jtransfer.nets.alexnet import alexnet_2014
from jtransfer.nets.parts.trunk import ConvStage, Trunk
from jtransfer.nets.weights.catalogue.table import PRETRAINED
from jtransfer.nets.weights.error import WeightsError
from jtransfer.nets.weights.origins.address import Address
from jtransfer.nets.weights.origins.package import Package
from jtransfer.nets.weights.pretrained import load_pretrained
from jtransfer.nets.weights.torch_layout import TorchNames
from tests.nets.file_server import FileServer
from tests.nets.weight_files import Runs, safetensors, torch_zip

IMAGES = jnp.zeros((1, 224, 224, 3))
KERNEL = np.random.default_rng(0).normal(size=(11, 11, 3, 64)).astype(np.float32)
CONV1 = {"conv1.kernel": KERNEL, "conv1.bias": np.arange(64, dtype=np.float32)}
CONTENT = safetensors(CONV1)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def template(net, until=None):
    return jax.eval_shape(partial(net.init, until=until), jax.random.key(0), IMAGES)


@pytest.fixture(scope="module")
def conv1():
    return template(alexnet_2014(), "conv1")


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "conv1.safetensors"
    file.write_bytes(CONTENT)
    return file


def test_a_file_by_its_path(conv1, file):
    loaded = load_pretrained("alexnet_2014", conv1, path=file)
    assert (loaded.name, loaded.sha256) == ("alexnet_2014", SHA256)
    np.testing.assert_array_equal(loaded.variables["params"]["conv1"]["kernel"], KERNEL)


def test_torchs_names_and_layout(conv1, file):
    theirs = {
        "features.0.weight": np.ascontiguousarray(KERNEL.transpose(3, 2, 0, 1)),
        "features.0.bias": CONV1["conv1.bias"],
        "classifier.6.bias": np.zeros(1000, np.float32),
    }
    file.write_bytes(safetensors(theirs))
    loaded = load_pretrained("alexnet_2014", conv1, path=str(file))
    np.testing.assert_array_equal(loaded.variables["params"]["conv1"]["kernel"], KERNEL)
    np.testing.assert_array_equal(loaded.variables["params"]["conv1"]["bias"], np.arange(64))


@pytest.fixture
def server(monkeypatch):
    """A publisher of `CONTENT` as the weights of AlexNet."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with FileServer(CONTENT).running() as server:
        published = replace(PRETRAINED["alexnet_2014"], origins=(Address(server.url, SHA256),))
        monkeypatch.setitem(PRETRAINED, "alexnet_2014", published)
        yield server


def test_a_file_from_its_publisher_is_kept(conv1, server, tmp_path):
    loaded = load_pretrained("alexnet_2014", conv1, cache_folder=tmp_path)
    again = load_pretrained("alexnet_2014", conv1, cache_folder=str(tmp_path))
    assert loaded.sha256 == again.sha256 == SHA256
    np.testing.assert_array_equal(again.variables["params"]["conv1"]["kernel"], KERNEL)
    assert server.asked == [None]


def test_the_environment_names_the_cache(conv1, server, tmp_path, monkeypatch):
    monkeypatch.setenv("JTRANSFER_CACHE", str(tmp_path / "cache"))
    load_pretrained("alexnet_2014", conv1)
    assert (tmp_path / "cache" / "net.bin").read_bytes() == CONTENT


def test_a_cached_file_that_was_changed_is_fetched_anew(conv1, server, tmp_path):
    load_pretrained("alexnet_2014", conv1, cache_folder=tmp_path)
    (tmp_path / "net.bin").write_bytes(CONTENT[:-1] + b"\x01")
    assert load_pretrained("alexnet_2014", conv1, cache_folder=tmp_path).sha256 == SHA256
    assert server.asked == [None, None]


def test_a_hash_in_a_files_name_is_held_to(conv1, file):
    right = file.rename(file.with_name(f"alexnet-{SHA256[:8]}.pth"))
    assert load_pretrained("alexnet_2014", conv1, path=right).sha256 == SHA256
    wrong = right.rename(file.with_name("alexnet-owt-7be5be79.pth"))
    with pytest.raises(WeightsError, match="expected 7be5be79 by its name: it is cut or was"):
        load_pretrained("alexnet_2014", conv1, path=wrong)


def test_a_date_in_a_files_name_is_no_hash(conv1, file):
    dated = file.rename(file.with_name("alexnet-20240229.safetensors"))
    assert load_pretrained("alexnet_2014", conv1, path=dated).sha256 == SHA256


def test_what_would_run_code_is_refused(conv1, tmp_path):
    file, marker = tmp_path / "alexnet.pth", tmp_path / "ran"
    file.write_bytes(torch_zip(pickle.dumps({"w": Runs(os.system, f"touch {marker}")}, 2)))
    with pytest.raises(WeightsError, match=r"alexnet\.pth wants to run posix\.system"):
        load_pretrained("alexnet_2014", conv1, path=file)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty, 0 bytes; expected the weights of alexnet_2014, as a safetensors file or"),
        (b"<html><body>Sign in</body></html>", "is an HTML page; .* fetch the file itself"),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "is a pointer of Git LFS.*`git lfs pull`",
        ),
        (b"\x1f\x8b\x08 and so on", "is a gzip file; .* Name the right file, or convert it"),
        (b"version 1", r"begins with b'version 1'\); .* Give such a file, from torchvision, Alex"),
        (bytes(257) + b"ustar", "is a tar archive; expected"),
        (CONTENT[:-1], "cannot be read as safetensors: .* It is cut or damaged: fetch it again"),
        (torch_zip(b"")[:-9], "cannot be read: File is not a zip file. It is cut or damaged"),
    ],
)
@pytest.mark.parametrize("name", ["weights.pth", "weights-01234567.pth"])
def test_the_true_cause_is_named(conv1, tmp_path, content, says, name):
    file = tmp_path / name
    file.write_bytes(content)
    if "-" in name and "begins" not in says and "cannot" not in says:
        # What is of another kind altogether is said before its hash is.
        assert file.name.endswith("-01234567.pth")
    elif "-" in name:
        says = "has the SHA-256 .*, expected 01234567 by its name"
    with pytest.raises(WeightsError, match=says):
        load_pretrained("alexnet_2014", conv1, path=file)


def test_folders_pipes_and_files_of_others_are_no_weights(conv1, tmp_path, monkeypatch):
    with pytest.raises(WeightsError, match="is a folder; expected the weights of alexnet_2014"):
        load_pretrained("alexnet_2014", conv1, path=tmp_path)
    pipe = tmp_path / "pipe.pth"
    os.mkfifo(pipe)
    with pytest.raises(WeightsError, match="is a pipe, a socket or a device, no file"):
        load_pretrained("alexnet_2014", conv1, path=pipe)
    file = tmp_path / "weights.pth"
    file.write_bytes(CONTENT)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("jtransfer.files.reading.os.open", refuse)
    with pytest.raises(WeightsError, match=r"may not be read by this user; .* permissions"):
        load_pretrained("alexnet_2014", conv1, path=file)


def test_a_file_larger_than_memory_is_not_read(conv1, file, monkeypatch):
    monkeypatch.setenv("JTRANSFER_MEMORY", "0.00001")
    with pytest.raises(WeightsError, match=r"is too large \(.* would take 91\.2 KiB of memory"):
        load_pretrained("alexnet_2014", conv1, path=file)


def test_a_checkpoint_of_a_training_script(conv1, tmp_path):
    torch = pytest.importorskip("torch")
    weights = {
        "module.features.0.weight": torch.from_numpy(KERNEL.transpose(3, 2, 0, 1).copy()),
        "module.features.0.bias": torch.arange(64.0),
    }
    file = tmp_path / "checkpoint.pth.tar"
    torch.save({"epoch": 90, "arch": "alexnet", "state_dict": weights, "best": 0.5}, file)
    params = load_pretrained("alexnet_2014", conv1, path=file).variables["params"]
    np.testing.assert_array_equal(params["conv1"]["kernel"], KERNEL)


def test_a_head_of_other_classes_says_how_to_leave_it_out(tmp_path, monkeypatch):
    def net_of(classes: int) -> Trunk:
        return Trunk((("conv1", partial(ConvStage, 4, 3)), ("fc", partial(ConvStage, classes, 3))))

    net, images = net_of(3), jnp.zeros((1, 8, 8, 3))
    names = TorchNames({"conv": ("conv1", "conv"), "fc": ("fc", "conv")})
    published = replace(PRETRAINED["alexnet_2014"], names=names)
    monkeypatch.setitem(PRETRAINED, "toy", published)
    leaves = flatten_dict(jax.eval_shape(net_of(10).init, jax.random.key(0), images))
    arrays = {".".join(path[1:]): np.zeros(leaf.shape, np.float32) for path, leaf in leaves.items()}
    file = tmp_path / "toy.safetensors"
    file.write_bytes(safetensors(arrays))
    template = jax.eval_shape(net.init, jax.random.key(0), images)
    with pytest.raises(WeightsError, match="To leave fc out, give without='fc', and take fc from"):
        load_pretrained("toy", template, path=file)
    rest = load_pretrained("toy", template, path=file, without="fc").variables
    assert list(rest["params"]) == ["conv1"]


KERNEL_THERE = np.ascontiguousarray(KERNEL.transpose(3, 2, 0, 1))
CONV1_THERE = {"features.0.weight": KERNEL_THERE, "features.0.bias": CONV1["conv1.bias"]}


@pytest.mark.parametrize("before", ["backbone.", "module.backbone.", "encoder.", "model."])
def test_a_net_that_is_part_of_a_larger_one(conv1, tmp_path, before):
    """Such as a checkpoint of DINO, whose net has a head for the time of training beside it."""
    larger = {f"{before}{name}": array for name, array in CONV1_THERE.items()}
    module = before.removesuffix(before.removeprefix("module."))
    larger[f"{module}head.mlp.0.weight"] = np.zeros((3, 4), np.float32)
    file = tmp_path / "larger.safetensors"
    file.write_bytes(safetensors(larger))
    loaded = load_pretrained("alexnet_2014", conv1, path=file)
    np.testing.assert_array_equal(loaded.variables["params"]["conv1"]["kernel"], KERNEL)


def test_a_teacher_is_taken_before_its_student(conv1, tmp_path):
    torch = pytest.importorskip("torch")
    teacher = {f"backbone.{name}": torch.tensor(array) for name, array in CONV1_THERE.items()}
    student = {f"module.{name}": 2 * tensor for name, tensor in teacher.items()}
    torch.save({"student": student, "teacher": teacher, "epoch": 3}, tmp_path / "dino.pth")
    loaded = load_pretrained("alexnet_2014", conv1, path=tmp_path / "dino.pth")
    np.testing.assert_array_equal(loaded.variables["params"]["conv1"]["kernel"], KERNEL)


def test_counters_tables_and_empty_tensors_are_left_out_and_other_heads_named(conv1, tmp_path):
    extra = {
        "steps": np.array(7, np.int64),
        "mask": np.ones((2, 2), bool),
        "nothing": np.zeros((0, 3), np.float32),
    }
    file = tmp_path / "extra.safetensors"
    file.write_bytes(safetensors({**CONV1_THERE, **extra}))
    loaded = load_pretrained("alexnet_2014", conv1, path=file)
    assert list(loaded.variables["params"]) == ["conv1"]
    other = {"aux.weight": np.ones((2, 2), np.float32), "aux.bias": np.ones(2, np.float32)}
    file.write_bytes(safetensors({**CONV1_THERE, **extra, **other}))
    with pytest.raises(WeightsError, match=r"aux\.weight \[2, 2\](?s:.*)give without=\('aux',\)"):
        load_pretrained("alexnet_2014", conv1, path=file)
    loaded = load_pretrained("alexnet_2014", conv1, path=file, without=("aux",))
    assert list(loaded.variables["params"]) == ["conv1"]


@pytest.mark.parametrize("first", [b"\x80\x02", b"PK"], ids=["as a pickle", "as a zip"])
def test_a_safetensors_header_may_begin_as_other_formats_do(conv1, file, first):
    short = int.from_bytes(CONTENT[:8], "little")
    length = int.from_bytes(first, "little")
    header = CONTENT[8 : 8 + short].ljust(length)
    assert len(header) == length
    file.write_bytes(length.to_bytes(8, "little") + header + CONTENT[8 + short :])
    loaded = load_pretrained("alexnet_2014", conv1, path=file)
    np.testing.assert_array_equal(loaded.variables["params"]["conv1"]["kernel"], KERNEL)


def test_the_file_of_fewer_stages_does_not_fit(file):
    with pytest.raises(WeightsError, match=r"does not fit alexnet_2014;.*2 missing") as caught:
        load_pretrained("alexnet_2014", template(alexnet_2014(), "conv2"), path=file)
    assert "params/conv2/kernel [5, 5, 64, 192]: not in the file" in str(caught.value)


def test_wrong_names_and_paths_say_what_to_do(conv1, tmp_path):
    with pytest.raises(WeightsError, match="'vgg'; expected one of efficientnet_lite0, "):
        load_pretrained("vgg", conv1)
    with pytest.raises(WeightsError, match=r"none is not there; .* from torchvision"):
        load_pretrained("alexnet_2014", conv1, path=tmp_path / "none")


def test_stages_can_be_left_out(tmp_path):
    file = tmp_path / "conv1.safetensors"
    file.write_bytes(CONTENT)
    two = template(alexnet_2014(), "conv2")
    loaded = load_pretrained("alexnet_2014", two, path=file, without="conv2")
    assert list(loaded.variables["params"]) == ["conv1"]
    with pytest.raises(
        WeightsError, match=r"without='fc': no stage .*, which has conv1, conv2, and"
    ):
        load_pretrained("alexnet_2014", two, path=file, without=("conv2", "fc"))


def test_the_first_origin_at_hand_is_taken_and_every_failure_is_said(conv1, file, monkeypatch):
    def published(*origins):
        entry = replace(PRETRAINED["alexnet_2014"], origins=origins)
        monkeypatch.setitem(PRETRAINED, "alexnet_2014", entry)

    absent = Package("no_such_package", "net.pth", SHA256, "no_such_package")
    cached = Address(f"http://127.0.0.1:1/{file.name}", SHA256)
    published(absent, cached)
    loaded = load_pretrained("alexnet_2014", conv1, cache_folder=file.parent)
    np.testing.assert_array_equal(loaded.variables["params"]["conv1"]["kernel"], KERNEL)
    published(absent, replace(cached, url="http://127.0.0.1:1/other.safetensors"))
    with pytest.raises(WeightsError, match=r"(?s)not at hand: the package no_such.*Else: http"):
        load_pretrained("alexnet_2014", conv1, cache_folder=file.parent)


@pytest.mark.slow
def test_the_convolutions_of_alexnet(data_root):
    file = data_root / "weights" / "alexnet_imagenet_conv1-5.safetensors"
    loaded = load_pretrained("alexnet_2014", template(alexnet_2014(), "conv5"), path=file)
    assert loaded.sha256.startswith("e0902dc3bde6d52f")
    assert list(loaded.variables["params"]) == [f"conv{number}" for number in range(1, 6)]
