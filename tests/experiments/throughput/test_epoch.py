import gzip
import json

import numpy as np
import pytest
from PIL import Image

from experiments.throughput.epoch import Config, jax_epoch, main, read_domains, torch_epoch
from experiments.throughput.step_tables import epoch


@pytest.fixture
def data_root(tmp_path):
    """Eight digits and a photograph, in files as MNIST and BSDS500 have them."""
    random = np.random.default_rng(0)
    digits = random.integers(0, 256, (8, 28, 28), np.uint8)
    folder, photos = tmp_path / "mnist", tmp_path / "bsds500" / "train"
    folder.mkdir()
    photos.mkdir(parents=True)
    header = np.array([0x803, 8, 28, 28], ">u4").tobytes()
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + digits.tobytes()))
    header = np.array([0x801, 8], ">u4").tobytes()
    (folder / "train-labels-idx1-ubyte").write_bytes(header + bytes(range(8)))
    photo = random.integers(0, 256, (40, 40, 3), np.uint8)
    Image.fromarray(photo).save(photos / "one.png")
    return tmp_path


def config_of(data_root, **changes):
    settings = {"images": 8, "batch": 2, "repeats": 2, "workers": 0, "data_root": data_root}
    return Config(**settings | changes)


def test_an_epoch_of_ours(data_root):
    config = config_of(data_root)
    source, target = read_domains(config)
    assert source.images.shape == target.images.shape == (8, 32, 32, 3)
    assert sorted(source.labels) == sorted(target.labels) == list(range(8))
    run, _ = jax_epoch(config)
    run()


def test_an_epoch_of_pytorch(data_root):
    torch = pytest.importorskip("torch")
    from experiments.throughput.rivals.steps import ByteImages

    config = config_of(data_root)
    source, _ = read_domains(config)
    floats, label = ByteImages(source.images, source.labels)[3]
    means = source.images.mean((0, 1, 2)) / 255
    expected = source.images[3].transpose(2, 0, 1) / 255 - means[:, None, None]
    torch.testing.assert_close(floats, torch.tensor(expected, dtype=torch.float32))
    assert label == source.labels[3]
    run, _ = torch_epoch(config)
    run()


@pytest.mark.slow
def test_a_short_benchmark_writes_its_numbers(data_root, tmp_path):
    result = main(config_of(data_root, workers=1, out=tmp_path / "out"))
    file = tmp_path / "out" / "mnist-mnist_m-8.json"
    assert json.loads(file.read_text()) == result
    assert result["epoch"]["jtransfer"]["rounds"] == 2
    assert "8 images of each domain" in epoch([result])
    assert epoch([]) == ""


def test_one_repeat_has_no_quartiles():
    with pytest.raises(ValueError, match="repeats is 1"):
        main(Config(repeats=1))
