"""Reading what TensorFlow Datasets prepared, without TensorFlow; prepared here on the spot."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from jtransfer.data import DataError, load

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 6, 4, 3), np.uint8)


class TinyPictures(tfds.core.GeneratorBasedBuilder):
    """Five PNG pictures of two classes, given as files so that nothing has to encode them."""

    VERSION = tfds.core.Version("1.0.0")
    pictures = None

    def _info(self):
        features = tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=(6, 4, 3), encoding_format="png"),
                "label": tfds.features.ClassLabel(names=["cat", "dog"]),
            }
        )
        return tfds.core.DatasetInfo(builder=self, features=features)

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for number, file in enumerate(sorted(self.pictures.iterdir())):
            yield number, {"image": file, "label": number % 2}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    TinyPictures.pictures = root / "pictures"
    TinyPictures.pictures.mkdir()
    for number, pixels in enumerate(PIXELS):
        Image.fromarray(pixels).save(TinyPictures.pictures / f"{number}.png")
    builder = TinyPictures(data_dir=root / "tfds", file_format="array_record")
    builder.download_and_prepare()
    return root


def test_a_prepared_set_is_read_without_tensorflow(root):
    program = (
        "import sys; from jtransfer.data import load; "
        f"examples = load('tfds:tiny_pictures', 'train', data_root={str(root)!r}); "
        "print(examples.images.shape, examples.classes, 'tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "(5, 6, 4, 3) ('cat', 'dog') False"


def test_pixels_and_labels_come_back(root):
    examples = load("tfds:tiny_pictures", "train", data_root=root)
    order = [
        int(np.argmin(np.abs(PIXELS - image.astype(int)).sum((1, 2, 3))))
        for image in examples.images
    ]
    np.testing.assert_array_equal(examples.images, PIXELS[order])
    np.testing.assert_array_equal(examples.labels, np.array(order) % 2)
    assert sorted(order) == [0, 1, 2, 3, 4]


def test_what_is_not_prepared_comes_with_the_command(tmp_path):
    with pytest.raises(
        DataError, match=r"found no .*svhn_cropped.*jtransfer\.data\.tfds svhn_crop"
    ):
        load("tfds:svhn_cropped", "train", data_root=tmp_path)


def test_another_split_is_named(root):
    with pytest.raises(DataError, match=r"no split 'test'; it has \['train'\]"):
        load("tfds:tiny_pictures", "test", data_root=root)


def test_preparing_without_tensorflow_says_how_to_get_it(monkeypatch):
    from jtransfer.data import tfds as module

    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r'pip install "jtransfer\[prepare\]"'):
        module.prepare("svhn_cropped")
