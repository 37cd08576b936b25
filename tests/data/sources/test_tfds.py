"""Reading what TensorFlow Datasets prepared, without TensorFlow; prepared here on the spot."""

import shutil
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from jtransfer.data import DataError, load

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 6, 4, 3), np.uint8)


class TinyPictures(tfds.core.GeneratorBasedBuilder):
    """Five PNG pictures of two classes, given as files so that nothing has to encode them."""

    VERSION = tfds.core.Version("1.0.0")
    LABEL = tfds.features.ClassLabel(names=["cat", "dog"])
    pictures = None

    def _info(self):
        image = tfds.features.Image(shape=(6, 4, 3), encoding_format="png")
        features = tfds.features.FeaturesDict({"image": image, "label": self.LABEL})
        return tfds.core.DatasetInfo(builder=self, features=features)

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for number, file in enumerate(sorted(self.pictures.iterdir())):
            yield number, {"image": file, "label": number % 2}


class TinyScores(TinyPictures):
    """The same pictures with a number each that is no class."""

    VERSION = tfds.core.Version("1.0.0")
    LABEL = tfds.features.Scalar(np.int64)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    TinyPictures.pictures = root / "pictures"
    TinyPictures.pictures.mkdir()
    for number, pixels in enumerate(PIXELS):
        Image.fromarray(pixels).save(TinyPictures.pictures / f"{number}.png")
    for builder in (TinyPictures, TinyScores):
        builder(data_dir=root / "tfds", file_format="array_record").download_and_prepare()
    return root


@pytest.fixture
def damaged(root, tmp_path):
    """A copy of the data set to damage: its data root and its folder."""
    folder = tmp_path / "tfds" / "tiny_pictures" / "1.0.0"
    shutil.copytree(root / "tfds" / "tiny_pictures" / "1.0.0", folder)
    return tmp_path, folder


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
        DataError, match=r"found no .*svhn_cropped.*jtransfer\.data\.sources\.tfds svhn_crop"
    ):
        load("tfds:svhn_cropped", "train", data_root=tmp_path)


def test_another_split_is_named(root):
    with pytest.raises(DataError, match=r"no split 'test'; it has \['train'\]"):
        load("tfds:tiny_pictures", "test", data_root=root)


def test_a_label_that_is_no_class_is_refused(root):
    with pytest.raises(DataError, match="a label of the kind Scalar; expected ClassLabel"):
        load("tfds:tiny_scores", "train", data_root=root)


@pytest.mark.parametrize("file", ["*.array_record*", "dataset_info.json", "features.json"])
@pytest.mark.parametrize("keep", [0, 0.5, None])
def test_a_damaged_set_is_named(damaged, file, keep):
    data_root, folder = damaged
    (path,) = folder.glob(file)
    if keep is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
    # A set without its dataset_info.json counts as one that is not prepared.
    message = r"(1\.0\.0 cannot be read|no prepared data set).*Prepare it"
    with pytest.raises(DataError, match=message):
        load("tfds:tiny_pictures", "train", data_root=data_root)


def test_another_file_format_is_refused(damaged):
    data_root, folder = damaged
    info = folder / "dataset_info.json"
    info.write_text(info.read_text().replace("array_record", "tfrecord"))
    with pytest.raises(DataError, match="written as tfrecord; expected array_record"):
        load("tfds:tiny_pictures", "train", data_root=data_root)


@pytest.mark.skipif(find_spec("tensorflow") is not None, reason="TensorFlow is installed")
def test_the_command_that_messages_propose_runs(tmp_path):
    command = ["-W", "error::RuntimeWarning", "-m", "jtransfer.data.sources.tfds", "mnist"]
    command += ["--data-root", str(tmp_path)]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("preparing mnist needs TensorFlow, which is not installed")


def test_preparing_without_tensorflow_says_how_to_get_it(monkeypatch):
    from jtransfer.data.sources import tfds as module

    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r'pip install "jtransfer\[prepare\]"'):
        module.prepare("svhn_cropped")
