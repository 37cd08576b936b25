"""Damaged arrays, tables and sounds: each is read, or refused in a sentence; nothing else happens.

What is damaged and how is the same at every run. Each kind of file is read in a child process, as a
crash or memory that grows without end would take this one along.
"""

import gzip
import io
import os
import shutil
import struct
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jtransfer.data import DataError, load
from jtransfer.data.loading import load_files, load_speech
from jtransfer.data.sources.attributes import read_att_splits, read_awa1, read_awa2, read_csv
from jtransfer.data.sources.idx import read_idx
from jtransfer.data.sources.wav import read_wav
from jtransfer.data.sources.word_vectors import read_word_vectors
from tests.files.damage import survive

RANDOM = np.random.default_rng(0)


def read_as(file: Path, read: Callable[[Path], object], content: bytes) -> None:
    """Write a file's content and read it, without a warning."""
    file.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(file)


# The readers: each takes the file that was damaged.


def idx(file: Path):
    return read_idx(file, dimensions=3)


def npz(file: Path):
    return load(f"npz:{file.stem}", "train", data_root=file.parent)


def mat(file: Path):
    return load("mat:svhn", "train", data_root=file.parents[1])


def awa1(file: Path):
    return read_awa1(file, "continuous")


def awa2(file: Path):
    return read_awa2(file.parent, "continuous")


def prepared(file: Path):
    return load("tfds:tiny_voc_like", "train", data_root=file.parents[3])


def prepared_files(file: Path):
    return load_files("tfds:tiny_voc_like", "train", data_root=file.parents[3])


def gtsrb(file: Path):
    return load("gtsrb:GTSRB", "test", data_root=file.parents[1])


def tiles(file: Path):
    return load("tiles:svhn10k", "train", data_root=file.parents[1])


def speech(file: Path):
    return load_speech("wav:words", data_root=file.parents[1], rate=8000)


def riff(data: bytes, bits: int, encoding: int) -> bytes:
    about = struct.pack("<HHIIHH", encoding, 2, 8000, 2000 * bits, bits // 4, bits)
    chunks = b"fmt " + struct.pack("<I", len(about)) + about + b"LIST\x04\0\0\0abcd"
    chunks += b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def saved(save: Callable, **arrays: object) -> bytes:
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()


def matlab(content: dict[str, object], *, packed: bool) -> bytes:
    from scipy.io import savemat

    file = io.BytesIO()
    savemat(file, content, do_compression=packed)
    return file.getvalue()


IMAGES = RANDOM.integers(0, 256, (5, 8, 6), np.uint8)
IDX = b"\0\0\x08\x03" + np.array(IMAGES.shape, ">u4").tobytes() + IMAGES.tobytes()
ARRAYS = {"train_image": IMAGES, "train_label": np.arange(5), "classes": np.array(list("abcde"))}
SVHN = {"X": RANDOM.integers(0, 256, (4, 4, 3, 9), np.uint8), "y": np.arange(1.0, 10)[:, None]}
NAMES = np.array([["grizzly+bear"], ["ox"], ["seal"]], object)
SPLITS = {"allclasses_names": NAMES, "att": RANDOM.random((6, 3)), "original_att": np.eye(6, 3)}
AWA1 = {
    "attributes_continuous": RANDOM.random((3, 4), np.float32),
    "class_names": np.array(["a", "b", "c"]),
    "attribute_names": np.array(["w", "x", "y", "z"]),
}
WORDS = [f"word{number}" for number in range(20)]
VECTORS = RANDOM.standard_normal((20, 5)).astype(np.float32)
GLOVE = "".join(
    f"{word} {' '.join(map(str, row))}\n" for word, row in zip(WORDS, VECTORS, strict=True)
)
CSV = "name,hair,legs,type\n" + "".join(f'"beast {n}",True,{n}.5,\n' for n in range(20))
AWA2 = {
    "classes.txt": "    1\tantelope\n    2\tgrizzly+bear\n    3\tox\n",
    "predicates.txt": "    1\tblack\n    2\twhite\n",
    "predicate-matrix-continuous.txt": "  -1.00  12.50\n 100.00   0.00\n   3.25  99.50\n",
}
SOUND = RANDOM.standard_normal((300, 2))
SOUNDS = {
    "8 bits": riff((SOUND * 30 + 128).astype(np.uint8).tobytes(), 8, 1),
    "16 bits": riff((SOUND * 9000).astype("<i2").tobytes(), 16, 1),
    "24 bits": riff(RANDOM.bytes(600 * 3), 24, 1),
    "32 bits": riff((SOUND * 1e8).astype("<i4").tobytes(), 32, 1),
    "floats": riff(SOUND.astype("<f4").tobytes(), 32, 3),
    "doubles": riff(SOUND.astype("<f8").tobytes(), 64, 3),
}
SIGNS = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n" + "".join(
    f"{number:05d}.ppm;30;32;5;5;25;25;{number}\n" for number in range(4)
)
TILES = "label,photo\n" + "".join(f"{number},{number}\n" for number in range(4))
LIST = "path,label,speaker,age\n" + "".join(
    f"{number}.wav,{'yes' if number % 2 else 'no'},ann,{number}\n" for number in range(4)
)


@pytest.fixture(scope="module")
def prepared_root(tmp_path_factory):
    """Pictures that both readers of prepared sets take: with a label, and with labels."""
    import tensorflow_datasets as tfds  # here, as it is slow and no child needs it

    root = tmp_path_factory.mktemp("data")
    for number in range(4):
        pixels = RANDOM.integers(0, 256, (6, 4, 3), np.uint8)
        Image.fromarray(pixels).save(root / f"{number}.png")
    kind = tfds.features.ClassLabel(names=["cat", "dog"])

    class TinyVocLike(tfds.core.GeneratorBasedBuilder):
        """The set; the class itself is what the library keeps."""

        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = {
                "image": tfds.features.Image(shape=(6, 4, 3), encoding_format="png"),
                "image/filename": tfds.features.Text(),
                "label": kind,
                "labels": tfds.features.Sequence(kind),
                "labels_no_difficult": tfds.features.Sequence(kind),
            }
            described = tfds.features.FeaturesDict(features)
            return tfds.core.DatasetInfo(builder=self, features=described)

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            for number in range(4):
                labels = {"label": 1, "labels": [0, 1], "labels_no_difficult": [number % 2]}
                file = root / f"{number}.png"
                yield number, {"image": file, "image/filename": file.name, **labels}

    TinyVocLike(data_dir=root / "tfds", file_format="array_record").download_and_prepare()
    return root


def check(read, file: Path, content: bytes, count: int) -> None:
    tally = survive(partial(read_as, file, read), content, count, error=DataError)
    print(f"{file.name}: {tally.read} read, {tally.refused} refused, {tally.slowest:.2f} s at most")
    assert not tally.faults
    assert tally.refused > 0


FILES = {
    "idx": (idx, "images-idx3-ubyte", IDX),
    "idx.gz": (idx, "images-idx3-ubyte.gz", gzip.compress(IDX, mtime=0)),
    "npz": (npz, "toys.npz", saved(np.savez, **ARRAYS)),
    "npz, packed": (npz, "toys.npz", saved(np.savez_compressed, **ARRAYS)),
    "mat": (mat, "svhn/train_32x32.mat", partial(matlab, SVHN, packed=False)),
    "mat, packed": (mat, "svhn/train_32x32.mat", partial(matlab, SVHN, packed=True)),
    "att_splits": (read_att_splits, "att_splits.mat", partial(matlab, SPLITS, packed=False)),
    "att_splits, packed": (read_att_splits, "att_splits.mat", partial(matlab, SPLITS, packed=True)),
    "awa1": (awa1, "awa1.npz", saved(np.savez_compressed, **AWA1)),
    **{f"awa2, {name}": (awa2, name, text.encode()) for name, text in AWA2.items()},
    "csv": (read_csv, "zoo.csv", CSV.encode()),
    "GloVe": (read_word_vectors, "glove.txt", GLOVE.encode()),
    "GloVe, npz": (
        read_word_vectors,
        "glove.npz",
        saved(np.savez_compressed, words=np.array(WORDS), vectors=VECTORS),
    ),
    **{f"wav, {kind}": (read_wav, "a.wav", content) for kind, content in SOUNDS.items()},
    "GTSRB": (gtsrb, "GTSRB/GT-final_test.csv", SIGNS.encode()),
    "tiles": (tiles, "svhn10k/labels.csv", TILES.encode()),
    "speech": (speech, "words/list.csv", LIST.encode()),
}
COUNTS = [60, pytest.param(1000, marks=pytest.mark.slow)]


@pytest.fixture
def beside(tmp_path):
    """A folder with whole files of what is read together with a damaged one."""
    for text, other in AWA2.items():
        (tmp_path / text).write_text(other)
    images = tmp_path / "GTSRB" / "Final_Test" / "Images"
    images.mkdir(parents=True)
    (tmp_path / "words").mkdir()
    (tmp_path / "svhn").mkdir()
    (tmp_path / "svhn10k").mkdir()
    Image.new("RGB", (64, 64)).save(tmp_path / "svhn10k" / "images.webp", lossless=True)
    for number in range(4):
        Image.new("RGB", (30, 32)).save(images / f"{number:05d}.ppm")
        (tmp_path / "words" / f"{number}.wav").write_bytes(SOUNDS["16 bits"])
    return tmp_path


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("kind", FILES)
def test_a_damaged_file_is_read_or_refused(beside, kind, count):
    read, name, content = FILES[kind]
    check(read, beside / name, content if isinstance(content, bytes) else content(), count)


@pytest.mark.parametrize("kind", FILES)
def test_what_is_no_file_is_named_at_once(beside, kind):
    read, name, _ = FILES[kind]
    file = beside / name
    file.unlink(missing_ok=True)
    file.touch()
    with pytest.raises(DataError, match=f"{name} is empty, 0 bytes; expected"):
        read(file)
    file.unlink()
    file.mkdir()
    with pytest.raises(DataError, match=f"{name} is a folder; expected .* Name a file"):
        read(file)
    file.rmdir()
    os.mkfifo(file)  # opening it would wait for a writer
    with pytest.raises(DataError, match=f"{name} is a pipe, a socket or a device, no file"):
        read(file)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("features.json", prepared),
        ("dataset_info.json", prepared),
        ("label.labels.txt", prepared),
        ("tiny_voc_like-train.array_record-00000-of-00001", prepared),
        ("tiny_voc_like-train.array_record-00000-of-00001", prepared_files),
    ],
)
def test_a_damaged_prepared_set_is_read_or_refused(prepared_root, tmp_path, name, read, count):
    shutil.copytree(prepared_root / "tfds", tmp_path / "tfds")
    file = tmp_path / "tfds" / "tiny_voc_like" / "1.0.0" / name
    check(read, file, file.read_bytes(), count)
