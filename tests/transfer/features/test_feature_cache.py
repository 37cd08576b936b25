import errno
import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from jtransfer.files.locking import sole_writer
from jtransfer.transfer.features import feature_cache, feature_progress
from jtransfer.transfer.features.feature_progress import FeatureCacheError
from tests.transfer import extracting
from tests.transfer.ten_images import IMAGES, KEY, ROWS, Source, files, layers, run

ROOT = Path(__file__).parents[3]


def test_on_disk_and_not_in_memory(tmp_path):
    features = run(tmp_path)
    for values in features.layers.values():
        assert isinstance(values, np.memmap)
        assert values.mode == "r"
    assert files(tmp_path) == ["maps.npy", "present.npy", "progress.json", "top.npy"]
    # Plain .npy files.
    np.testing.assert_array_equal(np.load(tmp_path / "top.npy"), features.layers["top"])


def test_the_cache_of_another_net(tmp_path):
    run(tmp_path)
    with pytest.raises(
        FeatureCacheError,
        match=r"other features \(size: None there, '224' asked for, weights: 'ab12' there, 'cd34'",
    ):
        run(tmp_path, key={**KEY, "weights": "cd34", "size": "224"})
    with pytest.raises(FeatureCacheError, match="rows: 10 there, 11 asked for"):
        run(tmp_path, rows=11)


def test_a_folder_that_is_no_cache(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(FeatureCacheError, match=r"no progress\.json, so it is no cache"):
        run(tmp_path)
    assert files(tmp_path) == ["thesis.txt"]


@pytest.fixture(scope="module")
def caches(tmp_path_factory):
    """A cache of all ten rows, and one of the first six; to be copied, for waiting for disks."""
    whole, part = tmp_path_factory.mktemp("caches") / "whole", tmp_path_factory.mktemp("part")
    run(whole)
    with pytest.raises(OSError, match="a broken file"):
        run(part, Source(fails_at=6))
    return {True: whole, False: part}


WRONG = [
    *(("dims", value) for value in ([], {"top": 0}, {"top": -1}, {"top": 1.0}, {"a": 1})),
    *(("batch", value) for value in (0, -3, True, 11, 10**30, "3")),
    *(("blocks", value) for value in ({}, 3, [3], [{}], [{"done": 3, "crc32": {}}])),
    *(("rows", value) for value in (-1, 0, "10", 5, 1e9)),
    ("key", {"net": 3}),
    ("more", 1),
]


def rewrite(folder, change):
    """Change what progress.json says, and its checksum as well."""
    file = folder / "progress.json"
    said = json.loads(file.read_text())["progress"]
    change(said)
    content = {"crc32": feature_progress._checksum(said), "progress": said}
    file.write_text(json.dumps(content))


def header(folder, before, after, name="top"):
    """Change the first bytes of an array's file."""
    file = folder / f"{name}.npy"
    content = file.read_bytes()
    assert before in content[:128]
    file.write_bytes(content[:128].replace(before, after) + content[128:])


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda folder: (folder / "top.npy").unlink(), r"top\.npy is not there; .* Remove "),
        (lambda folder: os.truncate(folder / "maps.npy", 200), r"maps\.npy cannot be read"),
        (lambda folder: np.save(folder / "top.npy", np.zeros(3)), r"top\.npy is <f8 \(3,\), exp"),
        (lambda folder: os.truncate(folder / "progress.json", 20), r"progress\.json cannot be"),
        (lambda folder: os.truncate(folder / "progress.json", 0), r"json is empty, .* Remove "),
        (lambda folder: (folder / "progress.json").write_text("[]"), "json cannot .* no object of"),
        (lambda folder: (folder / "progress.json").write_text("[" * 9999), r"json cannot be read"),
        (lambda folder: (folder / "progress.json").write_bytes(b"\xff"), "is no UTF-8 text"),
        (
            lambda folder: (folder / "progress.json").write_text('{"done": 3, "rows": 10}'),
            r"whose features have no checksums\); .* Remove .* to extract the features again",
        ),
        # Of the right shape and size by its name, and the bytes in another order.
        (lambda folder: header(folder, b"<f4", b">f4"), r"top\.npy is >f4 \(10, 1\), exp.* Remove"),
        (
            lambda folder: header(folder, b"False", b"True ", "maps"),
            r"maps\.npy is <f4 \(10, 4\), expected float32 \(10, 4\) in C order",
        ),
        (lambda folder: header(folder, b"\x76\x00{", b"\x66\x00{"), "it has 168 bytes, and 152 by"),
        (lambda folder: header(folder, b"(10, 1)", b"(2**99, 1)"), r"top\.npy cannot be read"),
        (
            lambda folder: rewrite(folder, lambda said: said["blocks"][0]["crc32"].update(top=1)),
            r"top\.npy cannot be read \(rows 0 to 2 are not what was written, by their checksum\)",
        ),
        *(
            (partial(rewrite, change=partial(dict.update, **{name: value})), "json cannot be read")
            for name, value in WRONG
        ),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_a_damaged_cache(tmp_path, caches, damage, says, finished):
    shutil.copytree(caches[finished], tmp_path, dirs_exist_ok=True)
    damage(tmp_path)
    with pytest.raises(FeatureCacheError, match=says):
        run(tmp_path)


@pytest.mark.parametrize("name", ["rows", "dtype", "key"])
def test_another_progress_is_another_cache_or_none(tmp_path, name):
    run(tmp_path)
    rewrite(
        tmp_path,
        lambda said: said.update({name: {"rows": 10**12, "dtype": "float16", "key": {}}[name]}),
    )
    with pytest.raises(FeatureCacheError, match=r"holds other features"):
        run(tmp_path)


def test_a_key_that_is_called_as_the_rows(tmp_path):
    run(tmp_path, key={"rows": "a"})
    with pytest.raises(FeatureCacheError, match="rows: 'a' there, 'b' asked for"):
        run(tmp_path, key={"rows": "b"})


@pytest.mark.parametrize("name", ["top", "maps", "present"])
@pytest.mark.parametrize("finished", [True, False])
def test_every_flipped_bit_of_what_was_committed_is_noticed(tmp_path, caches, name, finished):
    """A cache of 10 rows: 40 bytes of `top`, 160 of `maps`, 10 of `present`, behind 128."""
    shutil.copytree(caches[finished], tmp_path, dirs_exist_ok=True)
    file = tmp_path / f"{name}.npy"
    whole = file.read_bytes()
    committed = (len(whole) - 128) * (10 if finished else 6) // 10
    for position in range(128, 128 + committed, 7):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        file.write_bytes(damaged)
        row = (position - 128) // ((len(whole) - 128) // 10)
        first = row // 3 * 3
        rows = f"rows {first} to {min(first + 2, 9)} are not what was written"
        with pytest.raises(FeatureCacheError, match=rf"{name}\.npy cannot be read \({rows}"):
            run(tmp_path)
    file.write_bytes(whole)
    assert run(tmp_path).present.all()


def test_every_flipped_bit_of_the_progress_is_noticed(tmp_path):
    run(tmp_path)
    file = tmp_path / "progress.json"
    whole, unnoticed = file.read_bytes(), 0
    for position in range(0, len(whole), 5):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        file.write_bytes(damaged)
        try:
            run(tmp_path)
            unnoticed += 1
        except FeatureCacheError:
            pass
    # Space between JSON's words may be a tab as well, or none.
    assert unnoticed <= whole.count(b" ") + whole.count(b"\n")
    file.write_bytes(whole)
    features = run(tmp_path)
    np.testing.assert_array_equal(features.layers["maps"], IMAGES.reshape(ROWS, 4) / 2)


def test_rows_that_a_killed_process_left_do_not_count(tmp_path):
    """It wrote all ten and committed six; now two of the others cannot be read any more."""
    with pytest.raises(OSError, match="a broken file"):
        run(tmp_path, Source(fails_at=6))
    for name, value in (("top", 9.0), ("maps", 9.0), ("present", True)):
        array = np.lib.format.open_memmap(tmp_path / f"{name}.npy", mode="r+")
        array[6:] = value
        array.flush()
    features = run(tmp_path, Source(missing=(7, 9)))
    expected = np.where(features.present[:, None], IMAGES.reshape(ROWS, 4) / 2, 0)
    assert np.flatnonzero(~features.present).tolist() == [7, 9]
    np.testing.assert_array_equal(features.layers["maps"], expected)


@pytest.mark.parametrize("name", ["../top", "a/b", "", ".top", "present", "top\x00", "a b"])
def test_layers_that_cannot_be_called_as_files(tmp_path, name):
    cache = tmp_path / "cache"
    with pytest.raises(FeatureCacheError, match="which cannot be the name of its file; expected"):
        run(cache, apply=lambda images: {name: layers(images)["top"]})
    assert files(cache) == []
    run(cache)
    rewrite(cache, lambda said: said["dims"].update({name: 1}))
    with pytest.raises(FeatureCacheError, match="which cannot be the name of its file; expected"):
        run(cache)
    assert files(tmp_path) == ["cache"]


def test_a_progress_of_any_length_is_not_read(tmp_path):
    with (tmp_path / "progress.json").open("wb") as stream:
        stream.truncate(2**40)  # takes no room on the disk
    with pytest.raises(FeatureCacheError, match=r"read \(it has more than 16\.0 MiB\)"):
        run(tmp_path)


@pytest.mark.parametrize("name", ["progress.json", "top.npy"])
@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_not_waited_for(tmp_path, name, kind):
    run(tmp_path)
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir() if kind == "folder" else os.mkfifo(tmp_path / name)
    with pytest.raises(FeatureCacheError, match=rf"{name} is a {kind}"):
        run(tmp_path)


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "cache").write_text("")
    with pytest.raises(FeatureCacheError, match=r"cannot be written to .*File exists"):
        run(tmp_path / "cache")


def test_a_folder_that_may_only_be_read(tmp_path, monkeypatch):
    """A whole cache is read there; one that is to go on says what is in its way."""

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    with pytest.raises(OSError, match="a broken file"):
        run(tmp_path, Source(fails_at=6))
    with monkeypatch.context() as patched:
        patched.setattr(feature_cache, "sole_writer", refuse)
        with pytest.raises(FeatureCacheError, match=r"cannot be written to .*Permission denied"):
            run(tmp_path)
    run(tmp_path)
    monkeypatch.setattr(feature_cache, "sole_writer", refuse)
    assert run(tmp_path).present.all()
    monkeypatch.setattr("jtransfer.files.reading.os.open", refuse)
    with pytest.raises(FeatureCacheError, match=r"progress\.json may not be read by this user"):
        run(tmp_path)


def test_what_a_killed_process_left_is_removed(tmp_path):
    left = tmp_path / ".progress.json.0123.unfinished"
    left.write_text("half")
    run(tmp_path)
    assert not left.exists()


def full_disk(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_becomes_full(tmp_path, monkeypatch):
    """The rows of the commit that failed do not count, the ones before do."""
    real, calls = os.fsync, []

    def fsync(handle):
        calls.append(handle)
        # Progress and its folder at first, then these and three files a commit: this is the third
        # commit, in the middle.
        return full_disk() if len(calls) == 14 else real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(FeatureCacheError, match=r"No space left.*6 of 10 rows are safe"):
        run(tmp_path)
    said = json.loads((tmp_path / "progress.json").read_text())["progress"]
    assert [block["done"] for block in said["blocks"]] == [3, 6]
    source = Source()
    features = run(tmp_path, source)
    assert source.starts == [6]
    np.testing.assert_array_equal(features.layers["maps"], IMAGES.reshape(ROWS, 4) / 2)


@pytest.mark.parametrize("nth", [0, 1, 2])
def test_a_full_disk_where_progress_is_written(tmp_path, monkeypatch, nth):
    real, calls = feature_cache.write_progress, []

    def write_progress(folder, progress):
        calls.append(progress.done)
        return full_disk() if len(calls) == nth + 1 else real(folder, progress)

    monkeypatch.setattr(feature_cache, "write_progress", write_progress)
    done = max(0, 3 * (nth - 1))
    with pytest.raises(FeatureCacheError, match=rf"No space left.* {done} of 10 rows are safe"):
        run(tmp_path)
    source = Source()
    features = run(tmp_path, source)
    assert source.starts == [done]
    np.testing.assert_array_equal(features.layers["top"][:, 0], 16 * np.arange(ROWS) + 6)


def test_a_disk_that_is_too_full_from_the_start(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=209)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    # 10 rows of 4 + 1 features of 4 bytes, and 10 bytes of present.
    with pytest.raises(FeatureCacheError, match=r"need 0\.0 MB, and 0\.0 MB are free"):
        run(tmp_path)
    assert files(tmp_path) == []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=210))
    assert run(tmp_path).present.all()


def test_one_process_writes(tmp_path):
    with (
        sole_writer(tmp_path),
        pytest.raises(FeatureCacheError, match="another process is writing"),
    ):
        run(tmp_path)
    assert run(tmp_path).present.all()


def test_a_net_of_other_layers(tmp_path):
    with pytest.raises(OSError, match="a broken file"):
        run(tmp_path, Source(fails_at=6))
    with pytest.raises(FeatureCacheError, match=r"the net gives {'top': 1} features a row, but"):
        run(tmp_path, apply=lambda images: {"top": layers(images)["top"]})


def start(folder, *kill):
    return subprocess.run(
        [sys.executable, "-m", "tests.transfer.extracting", str(folder), *map(str, kill)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(("kill", "kept"), [(("between", 200), 192), (("during", 192), 128)])
def test_killed_and_resumed_is_the_same_and_memory_is_bounded(tmp_path, kill, kept):
    killed = start(tmp_path, *kill)
    assert killed.returncode == -9, killed.stderr
    resumed = start(tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    first, growth = resumed.stdout.split()
    assert int(first) == kept
    # Of 160 MB, a batch is 6.4 MB.
    assert float(growth) < 40
    wide = np.load(tmp_path / "wide.npy", mmap_mode="r")
    assert wide.shape == (extracting.ROWS, extracting.DIMS)
    for column in (0, -1):
        np.testing.assert_array_equal(wide[:, column], np.arange(extracting.ROWS))
    assert np.load(tmp_path / "present.npy").all()
