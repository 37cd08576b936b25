"""Sizes that are believed, and those that are not."""

import sys

import numpy as np
import psutil
import pytest

from jtransfer.files.memory import let_go, memory_limit, require_memory, require_plausible


def test_the_limit_is_what_the_environment_says(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("JTRANSFER_MEMORY", "1.5")
    assert memory_limit() == 3 * 2**29
    require_memory(3 * 2**29, "an array", error=TypeError)
    with pytest.raises(TypeError, match=r"an array would take 2\.0 GiB.*at most 1\.5 GiB"):
        require_memory(2**31, "an array", error=TypeError)


@pytest.mark.parametrize("said", ["much", "0", "-3", "nan", "inf", "1e300"])
def test_a_limit_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, said: str):
    monkeypatch.setenv("JTRANSFER_MEMORY", said)
    with pytest.raises(ValueError, match="expected a number of GiB above 0"):
        memory_limit()


def test_without_it_the_limit_is_half_of_what_is_there(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("JTRANSFER_MEMORY", raising=False)
    monkeypatch.setattr("jtransfer.files.memory._physical_memory", lambda: 10 * 2**30)
    assert memory_limit() == 5 * 2**30


def test_small_files_may_expand_and_large_ones_not_without_bound(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("JTRANSFER_MEMORY", "64")
    require_plausible(2**28, 100, "zeros.gz", error=TypeError)  # 256 MiB, whatever its size
    require_plausible(64 * 2**24, 2**24, "large.gz", error=TypeError)
    # 4.2 MB of gzipped zeros that would be 2.9 GB.
    with pytest.raises(TypeError, match=r"zeros\.gz claims 2\.7 GiB of data in 4\.0 MiB on disk"):
        require_plausible(2_900_000_000, 4_200_000, "zeros.gz", error=TypeError)


@pytest.mark.skipif(sys.platform != "linux", reason="counts the pages of files as Linux does")
def test_what_was_read_of_a_mapped_file_takes_no_memory_any_more(tmp_path):
    np.save(tmp_path / "ones.npy", np.ones(8_000_000, np.float32))  # 32 MB
    mapped = np.asarray(np.load(tmp_path / "ones.npy", mmap_mode="r"))
    before = psutil.Process().memory_info().shared
    assert mapped.sum() == 8_000_000
    assert psutil.Process().memory_info().shared >= before + 30_000_000
    let_go(mapped[5:])
    assert psutil.Process().memory_info().shared < before + 2_000_000
    assert mapped.sum() == 8_000_000
    let_go(np.ones(3))


def test_what_was_written_into_a_copy_of_a_mapped_file_stays(tmp_path):
    np.save(tmp_path / "ones.npy", np.ones(100_000, np.float32))
    for mode in ("c", "r+"):
        mapped = np.load(tmp_path / "ones.npy", mmap_mode=mode)
        mapped[50_000] = 7
        let_go(mapped)
        assert mapped[50_000] == 7
