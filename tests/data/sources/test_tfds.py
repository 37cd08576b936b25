"""Reading what TensorFlow Datasets prepared, without TensorFlow; prepared here on the spot."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

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


class TinyDrawings(TinyPictures):
    """A drawing in PostScript, which Pillow would have another program run."""

    VERSION = tfds.core.Version("1.0.0")

    def _generate_examples(self):
        yield 0, {"image": self.pictures.parent / "drawing.eps", "label": 0}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    TinyPictures.pictures = root / "pictures"
    TinyPictures.pictures.mkdir()
    for number, pixels in enumerate(PIXELS):
        Image.fromarray(pixels).save(TinyPictures.pictures / f"{number}.png")
    Image.new("RGB", (4, 6)).save(root / "drawing.eps")
    for builder in (TinyPictures, TinyScores, TinyDrawings):
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


def test_images_are_decoded_as_png_or_jpeg_alone(root):
    with pytest.raises(DataError, match=r"image 0 is a PostScript file; expected a whole PNG or"):
        load("tfds:tiny_drawings", "train", data_root=root)


def change(file: Path, **changes):
    """Put other values into a json file: {path of keys, joined by two underscores: value}."""
    whole = json.loads(file.read_text())
    for keys, value in changes.items():
        *way, last = keys.split("__")
        there = whole
        for key in way:
            there = there[int(key) if key.isdecimal() else key]
        there[last] = value
    file.write_text(json.dumps(whole))


EVIL = "payload.Image"


@pytest.mark.parametrize(
    "where",
    [
        {"pythonClassName": EVIL},
        {"featuresDict__features__image__pythonClassName": EVIL},
        {"featuresDict__features__label__pythonClassName": EVIL},
        {"featuresDict__features__more": {"pythonClassName": EVIL, "tensor": {}}},
        {"featuresDict__features__more": {"type": EVIL, "content": {}}},
        {
            "featuresDict__features__more": {
                "pythonClassName": "tensorflow_datasets.core.features.sequence_feature.Sequence",
                "sequence": {"feature": {"pythonClassName": EVIL}},
            }
        },
    ],
    ids=["dictionary", "image", "label", "not asked for", "old form", "nested"],
)
def test_classes_that_are_named_are_never_imported(damaged, where):
    """The module `payload` writes a file when it is imported, and is on the path."""
    data_root, folder = damaged
    (data_root / "payload.py").write_text("open(__file__ + '.ran', 'w').close()")
    change(folder / "features.json", **where)
    program = (
        "from jtransfer.data import DataError, load\n"
        "try:\n"
        f"    load('tfds:tiny_pictures', 'train', data_root={str(data_root)!r})\n"
        "except DataError as error:\n"
        "    print(error)\n"
    )
    path = f"{data_root}{os.pathsep}{Path(__file__).parents[3]}"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert "names a feature of the class 'payload.Image'; expected those of tensor" in done.stdout
    assert not (data_root / "payload.py.ran").exists()


def test_modules_of_the_builder_are_not_imported(damaged, monkeypatch):
    data_root, folder = damaged
    (data_root / "payload.py").write_text("raise SystemExit")
    monkeypatch.syspath_prepend(str(data_root))
    change(folder / "dataset_info.json", moduleName="payload")
    assert len(load("tfds:tiny_pictures", "train", data_root=data_root)) == 5
    assert "payload" not in sys.modules


@pytest.mark.parametrize(
    "where",
    [
        {"splits__0__filepathTemplate": "../{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"},
        {"splits__0__filepathTemplate": "/etc/passwd"},
        {"splits__0__filepathTemplate": "{DATASET.__class__}"},
        {"splits__0__name": "../train"},
        {"name": "../../tiny"},
        {"splits__0__shardLengths": ["-5"]},
        {"splits__0__shardLengths": ["4"]},
        {"splits__0__shardLengths": ["1000000000000000000"]},
        {"splits": None},
    ],
)
def test_files_and_numbers_that_cannot_be_are_refused(damaged, where):
    data_root, folder = damaged
    change(folder / "dataset_info.json", **where)
    with pytest.raises(DataError, match=r"1\.0\.0/\S+ (cannot be read|is not there)"):
        load("tfds:tiny_pictures", "train", data_root=data_root)


def test_numbers_of_classes_are_bounded(damaged):
    data_root, folder = damaged
    change(folder / "features.json", featuresDict__features__label__classLabel__numClasses="3")
    with pytest.raises(DataError, match=r"label\.labels\.txt cannot be read \(2 names for 3 cl"):
        load("tfds:tiny_pictures", "train", data_root=data_root)
    (folder / "label.labels.txt").unlink()
    assert load("tfds:tiny_pictures", "train", data_root=data_root).classes == ("0", "1", "2")
    lots = {"featuresDict__features__label__classLabel__numClasses": "1000000000"}
    change(folder / "features.json", **lots)
    with pytest.raises(DataError, match="has 1,000,000,000 classes in label; expected 1 to 100,00"):
        load("tfds:tiny_pictures", "train", data_root=data_root)


def test_sizes_that_records_claim_are_refused_before_memory_is_taken(damaged):
    """A chunk's header says how large it will be when unpacked."""
    data_root, folder = damaged
    (file,) = folder.glob("*.array_record*")
    content = bytearray(file.read_bytes())
    content[64 + 32 : 64 + 40] = (2**40).to_bytes(8, "little")  # of the first chunk with records
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"claims 1\.0 TiB of data in 128\.0 KiB on disk"):
        load("tfds:tiny_pictures", "train", data_root=data_root)


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
    wrong = "cannot be read|is empty, 0 bytes|is not there"
    message = rf"(1\.0\.0/{path.name} ({wrong})|no prepared data set).*Prepare it"
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
