import errno
import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jtransfer.transfer.features import feature_cache
from jtransfer.transfer.features.feature_cache import FeatureCacheError
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


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda folder: (folder / "top.npy").unlink(), r"top\.npy cannot be read"),
        (lambda folder: os.truncate(folder / "maps.npy", 200), r"maps\.npy cannot be read"),
        (lambda folder: np.save(folder / "top.npy", np.zeros(3)), r"top\.npy is float64 \(3,\)"),
        (lambda folder: os.truncate(folder / "progress.json", 20), r"progress\.json cannot be"),
        (lambda folder: (folder / "progress.json").write_text("[]"), r"progress\.json cannot be"),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_a_damaged_cache(tmp_path, damage, says, finished):
    if finished:
        run(tmp_path)
    else:
        with pytest.raises(OSError, match="a broken file"):
            run(tmp_path, Source(fails_at=6))
    damage(tmp_path)
    with pytest.raises(FeatureCacheError, match=says):
        run(tmp_path)


def full_disk(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_becomes_full(tmp_path, monkeypatch):
    """The rows of the commit that failed do not count, the ones before do."""
    real, calls = os.fsync, []

    def fsync(handle):
        calls.append(handle)
        # Three files a commit: this is the third commit, in the middle.
        return full_disk() if len(calls) == 8 else real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(FeatureCacheError, match=r"No space left.*6 of 10 rows are safe"):
        run(tmp_path)
    assert json.loads((tmp_path / "progress.json").read_text())["done"] == 6
    source = Source()
    features = run(tmp_path, source)
    assert source.starts == [6]
    np.testing.assert_array_equal(features.layers["maps"], IMAGES.reshape(ROWS, 4) / 2)


@pytest.mark.parametrize("nth", [0, 1, 2])
def test_a_full_disk_where_progress_is_written(tmp_path, monkeypatch, nth):
    real, calls = feature_cache.write_json, []

    def write_json(file, content):
        calls.append(content["done"])
        return full_disk() if len(calls) == nth + 1 else real(file, content)

    monkeypatch.setattr(feature_cache, "write_json", write_json)
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
    handle = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(FeatureCacheError, match="another process is writing"):
            run(tmp_path)
    finally:
        os.close(handle)
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
