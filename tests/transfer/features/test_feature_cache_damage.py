"""Damaged caches of features are refused in a sentence, or hold what was written."""

import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from jtransfer.transfer.features.feature_progress import FeatureCacheError
from tests.files.damage import survive
from tests.transfer.ten_images import IMAGES, ROWS, Source, run


def reopen(cache: Path, name: str, content: bytes) -> None:
    """Open a cache one of whose files is damaged; what is read of it must be right."""
    (cache / name).write_bytes(content)
    features = run(cache)
    np.testing.assert_array_equal(features.layers["maps"], IMAGES.reshape(ROWS, 4) / 2)
    np.testing.assert_array_equal(features.layers["top"][:, 0], 16 * np.arange(ROWS) + 6)
    assert features.present.all()


def go_on(cache: Path, name: str, content: bytes) -> None:
    """Complete a cache of six rows one of whose files is damaged, and leave it as it was."""
    copy = cache.with_name("copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(cache, copy)
    reopen(copy, name, content)


@pytest.mark.parametrize("count", [60, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["progress.json", "maps.npy", "present.npy"])
def test_damaged_whole_caches(tmp_path, name, count):
    run(tmp_path)
    intact = (tmp_path / name).read_bytes()
    read = partial(reopen, tmp_path, name)
    tally = survive(read, intact, count, error=FeatureCacheError)
    print("whole", name, tally)
    assert not tally.faults
    assert tally.refused > count * 0.9


@pytest.mark.parametrize("count", [20, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["progress.json", "maps.npy"])
def test_damaged_caches_that_go_on(tmp_path, name, count):
    cache = tmp_path / "cache"
    with pytest.raises(OSError, match="a broken file"):
        run(cache, Source(fails_at=6))
    intact = (cache / name).read_bytes()
    tally = survive(partial(go_on, cache, name), intact, count, error=FeatureCacheError)
    print("unfinished", name, tally)
    assert not tally.faults
    assert tally.refused > count / 2
