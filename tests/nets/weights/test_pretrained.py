import csv
import hashlib
import os
import pickle
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jtransfer.nets.alexnet import alexnet_2014
from jtransfer.nets.efficientnet_lite import EFFICIENTNET_LITE, efficientnet_lite
from jtransfer.nets.weights.error import WeightsError
from jtransfer.nets.weights.pretrained import PRETRAINED, load_pretrained
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
        published = replace(PRETRAINED["alexnet_2014"], url=server.url, sha256=SHA256)
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
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["net.bin"]


def test_a_cached_file_that_was_changed_is_refused(conv1, server, tmp_path):
    load_pretrained("alexnet_2014", conv1, cache_folder=tmp_path)
    (tmp_path / "net.bin").write_bytes(CONTENT[:-1] + b"\x01")
    with pytest.raises(WeightsError, match=rf"net\.bin has the SHA-256 .*, expected {SHA256}: it"):
        load_pretrained("alexnet_2014", conv1, cache_folder=tmp_path)


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


@pytest.mark.parametrize("content", [b"", b"<html><body>Sign in</body></html>", b"version 1"])
def test_what_is_no_weights_at_all_is_said(conv1, file, content):
    file.write_bytes(content)
    with pytest.raises(WeightsError, match=r"begins with .* expected a safetensors file or"):
        load_pretrained("alexnet_2014", conv1, path=file)


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
    with pytest.raises(WeightsError, match=r"does not fit alexnet_2014;.*\(2\)") as caught:
        load_pretrained("alexnet_2014", template(alexnet_2014(), "conv2"), path=file)
    assert "params/conv2/kernel [5, 5, 64, 192]: not in the file" in str(caught.value)


def test_wrong_names_and_paths_say_what_to_do(conv1, tmp_path):
    with pytest.raises(WeightsError, match="'vgg'; expected one of alexnet_2014, efficientnet"):
        load_pretrained("vgg", conv1)
    with pytest.raises(WeightsError, match=r"none cannot be read .* from torchvision"):
        load_pretrained("alexnet_2014", conv1, path=tmp_path / "none")
    with pytest.raises(WeightsError, match=r"no address of their own.*efficientnet_lite0_py"):
        load_pretrained("efficientnet_lite0", conv1)


def test_the_published_sizes_and_hashes_agree_with_nets_and_names():
    alexnet, lite0 = PRETRAINED["alexnet_2014"], PRETRAINED["efficientnet_lite0"]
    assert alexnet.url is not None
    assert alexnet.url.endswith(f"-{alexnet.sha256[:8]}.pth")
    assert len(alexnet.sha256) == 64
    assert lite0.size == EFFICIENTNET_LITE[0].size


@pytest.mark.slow
def test_the_convolutions_of_alexnet(data_root):
    file = data_root / "weights" / "alexnet_imagenet_conv1-5.safetensors"
    loaded = load_pretrained("alexnet_2014", template(alexnet_2014(), "conv5"), path=file)
    assert loaded.sha256.startswith("e0902dc3bde6d52f")
    assert list(loaded.variables["params"]) == [f"conv{number}" for number in range(1, 6)]


@pytest.mark.slow
def test_efficientnet_lite0_on_imagenet_samples(data_root):
    """On 250 pictures: of ImageNet's validation set it knows 75 in 100 (Google 2020)."""
    published, net = PRETRAINED["efficientnet_lite0"], efficientnet_lite(0)
    file = data_root / "weights" / "efficientnet_lite0_imagenet.safetensors"
    variables = load_pretrained("efficientnet_lite0", template(net), path=file).variables
    with (data_root / "imagenet_samples" / "labels.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    crops = np.stack(
        [centre(data_root / "imagenet_samples" / row["file"], published.size) for row in rows]
    )
    classify = jax.jit(net.apply)
    mean, std = (np.array(each, np.float32) for each in (published.mean, published.std))
    images = (crops.astype(np.float32) / 255 - mean) / std
    logits = np.concatenate([classify(variables, part) for part in np.split(images, 5)])
    labels = np.array([int(row["class_index"]) for row in rows])
    ranks = (logits > logits[np.arange(len(labels)), labels][:, None]).sum(axis=1)
    top1, top5 = (ranks < 1).mean(), (ranks < 5).mean()
    print(f"EfficientNet-Lite0 on {len(labels)} pictures: top-1 {top1:.3f}, top-5 {top5:.3f}")
    assert top1 > 0.7
    assert top5 > 0.9


def centre(file, size: int) -> np.ndarray:
    """The centre of an image whose shorter side is made 32 pixels longer than the crop."""
    image = Image.open(file).convert("RGB")
    factor = (size + 32) / min(image.size)
    image = image.resize([round(side * factor) for side in image.size], Image.Resampling.BICUBIC)
    left, top = ((side - size) // 2 for side in image.size)
    return np.asarray(image.crop((left, top, left + size, top + size)))
