"""Taking images of several labels out of what TensorFlow Datasets prepared; prepared here."""

import shutil

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from jtransfer.data import DataError, load
from jtransfer.data.loading import load_files

NAMES = ["cat", "cow", "dog"]
# All labels, and those that are not of difficult objects alone.
LABELS = {
    "a": (["cat", "dog"], ["cat", "dog"]),
    "b": (["cat", "cow"], ["cow"]),
    "c": (["dog"], ["dog"]),
    "d": ([], []),
}
SIGNS = {"a": [1, -1, 1], "b": [0, 1, -1], "c": [-1, -1, 1], "d": [-1, -1, -1]}
SPLITS = {"train": "ab", "validation": "c", "test": "d"}


class TinyVoc(tfds.core.GeneratorBasedBuilder):
    """Four JPEG pictures of different sizes with the features of voc, its objects apart."""

    VERSION = tfds.core.Version("1.0.0")
    pictures = None
    KIND = tfds.features.ClassLabel(names=NAMES)

    def _info(self):
        features = {
            "image": tfds.features.Image(),
            "image/filename": tfds.features.Text(),
            "labels": tfds.features.Sequence(self.KIND),
            "labels_no_difficult": tfds.features.Sequence(self.KIND),
        }
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(names) for split, names in SPLITS.items()}

    def _generate_examples(self, names):
        for name in names:
            everything, certain = LABELS[name]
            yield (
                name,
                {
                    "image": self.pictures / f"{name}.jpg",
                    "image/filename": f"{name}.jpg",
                    "labels": everything,
                    "labels_no_difficult": certain,
                },
            )


class TinyTwins(TinyVoc):
    """The same pictures, all of the names a.jpg and A.jpg, in folders of their own."""

    VERSION = tfds.core.Version("1.0.0")

    def _generate_examples(self, names):
        for number, (name, example) in enumerate(super()._generate_examples(names)):
            yield name, {**example, "image/filename": f"{name}/{'aA'[number]}.jpg"}


class TinyClimbers(TinyVoc):
    """The same pictures with names that lead out of their folder."""

    VERSION = tfds.core.Version("1.0.0")

    def _generate_examples(self, names):
        for name, example in super()._generate_examples(names):
            yield name, {**example, "image/filename": "x/.."}


class TinyCounts(TinyVoc):
    """The same pictures with numbers that are no classes."""

    VERSION = tfds.core.Version("1.0.0")
    KIND = tfds.features.Scalar(np.int64)

    def _generate_examples(self, names):
        for name, example in super()._generate_examples(names):
            yield name, {**example, "labels": [1, 2], "labels_no_difficult": [1]}


class TinyNameless(TinyVoc):
    """The pictures and nothing else."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = tfds.features.FeaturesDict({"image": tfds.features.Image()})
        return tfds.core.DatasetInfo(builder=self, features=features)

    def _generate_examples(self, names):
        for name, example in super()._generate_examples(names):
            yield name, {"image": example["image"]}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    TinyVoc.pictures = root / "pictures"
    TinyVoc.pictures.mkdir()
    for number, name in enumerate(LABELS):
        pixels = np.random.default_rng(number).integers(0, 256, (6 + number, 9, 3), np.uint8)
        Image.fromarray(pixels).save(TinyVoc.pictures / f"{name}.jpg")
    for builder in (TinyVoc, TinyTwins, TinyClimbers, TinyCounts, TinyNameless):
        builder(data_dir=root / "tfds", file_format="array_record").download_and_prepare()
    return root


@pytest.fixture
def root(prepared, tmp_path):
    """A copy that may be written to."""
    shutil.copytree(prepared / "tfds/tiny_voc", tmp_path / "tfds/tiny_voc")
    return tmp_path


def test_images_and_labels_come_back(root):
    files = load_files("tfds:tiny_voc", "train+validation", data_root=root)
    assert (files.name, files.classes) == ("tfds:tiny_voc", tuple(NAMES))
    assert sorted(path.stem for path in files.paths) == ["a", "b", "c"]
    for path, labels in zip(files.paths, files.labels, strict=True):
        assert labels.tolist() == SIGNS[path.stem]
        # As they were stored: nothing is decoded and encoded again.
        assert path.read_bytes() == (TinyVoc.pictures / path.name).read_bytes()


def test_images_are_written_once_and_mended(root):
    files = load_files("tfds:tiny_voc", "train", data_root=root)
    first, second = files.paths
    kept, whole = first.stat().st_mtime_ns, second.read_bytes()
    second.write_bytes(whole[:10])
    again = load_files("tfds:tiny_voc", "train", data_root=root)
    assert again.fingerprint() == files.fingerprint()
    assert first.stat().st_mtime_ns == kept
    assert second.read_bytes() == whole
    assert sorted(path.name for path in first.parent.iterdir()) == ["a.jpg", "b.jpg"]


def test_images_of_one_name_do_not_overwrite_each_other(prepared):
    files = load_files("tfds:tiny_twins", "train+validation", data_root=prepared)
    first, second, third = files.paths
    assert sorted([first.name.lower(), second.name.lower()]) == ["1_a.jpg", "a.jpg"]
    assert third.name == "a.jpg"  # of another split
    contents = {path.read_bytes() for path in TinyVoc.pictures.iterdir() if path.stem in "abc"}
    assert {path.read_bytes() for path in files.paths} == contents
    again = load_files("tfds:tiny_twins", "train+validation", data_root=prepared)
    assert again.paths == files.paths


def test_names_that_lead_elsewhere_are_refused(prepared):
    with pytest.raises(DataError, match=r"an image named b'x/\.\.' .*expected the name of a file"):
        load_files("tfds:tiny_climbers", "train", data_root=prepared)


@pytest.mark.parametrize("link", ["images", "images/train"])
def test_nothing_is_written_through_a_link_that_came_with_the_set(root, tmp_path, link):
    (home := tmp_path / "home").mkdir()
    place = next(root.glob("tfds/*/1.0.0")) / link
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(home)
    with pytest.raises(DataError, match=r"images/train leads to .*home.* Remove the link"):
        load_files("tfds:tiny_voc", "train", data_root=root)
    assert not [*home.iterdir()]


def test_a_written_image_that_was_changed_is_written_again(root):
    files = load_files("tfds:tiny_voc", "train", data_root=root)
    whole = files.paths[0].read_bytes()
    files.paths[0].write_bytes(bytes(len(whole)))  # of the same length
    load_files("tfds:tiny_voc", "train", data_root=root)
    assert files.paths[0].read_bytes() == whole


def test_a_split_without_labels_is_refused(root):
    with pytest.raises(DataError, match=r"no label in its split 'test' \(those of VOC2012's test"):
        load_files("tfds:tiny_voc", "test", data_root=root)


def test_another_split_is_named(root):
    with pytest.raises(DataError, match=r"no split 'val'; it has \['test', 'train', 'validation'"):
        load_files("tfds:tiny_voc", "train+val", data_root=root)


def test_what_is_not_prepared_comes_with_the_command(tmp_path):
    with pytest.raises(
        DataError, match=r"found no .*voc/2007.*jtransfer\.data\.sources\.tfds voc/2007"
    ):
        load_files("tfds:voc/2007", "train", data_root=tmp_path)


def test_a_damaged_set_is_named(root):
    (file,) = (root / "tfds/tiny_voc/1.0.0").glob("*train*")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(DataError, match=r"1\.0\.0/tiny_voc-train\S* cannot be read.*Prepare"):
        load_files("tfds:tiny_voc", "train", data_root=root)


def test_images_that_cannot_be_written_are_named(root):
    (root / "tfds/tiny_voc/1.0.0/images").write_text("in the way")
    with pytest.raises(DataError, match=r"images/train/[ab]\.jpg cannot be written \("):
        load_files("tfds:tiny_voc", "train", data_root=root)


def test_labels_that_are_no_classes_are_refused(prepared):
    with pytest.raises(DataError, match=r"labels of the kind .*expected a sequence of ClassLabel"):
        load_files("tfds:tiny_counts", "train", data_root=prepared)


def test_the_two_readers_name_each_other(prepared):
    with pytest.raises(DataError, match=r"no label; .*read it by load_files if its images have"):
        load("tfds:tiny_voc", "train", data_root=prepared)
    wanted = r"no image/filename and no labels and no labels_no_difficult; .*read it by load"
    with pytest.raises(DataError, match=wanted):
        load_files("tfds:tiny_nameless", "train", data_root=prepared)
