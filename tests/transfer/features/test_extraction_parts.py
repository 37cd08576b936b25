"""Parts of a cache as several processes extract them, here one after the other."""

import jax
import numpy as np
import pytest

from jtransfer.transfer.features.extraction_parts import complete_part, join_parts, part_rows
from jtransfer.transfer.features.extraction_pass import Pass
from jtransfer.transfer.features.feature_cache import CacheWriter
from jtransfer.transfer.features.local_devices import over_local_devices
from tests.transfer.ten_images import IMAGES, KEY, ROWS, Source, files, layers, run

WANTED = {"key": KEY, "rows": ROWS, "dtype": "float32"}


def complete(folder, source, part, parts):
    complete_part(Pass(layers, source, WANTED, 2), folder, part=part, parts=parts)


def join(folder, commit_every, parts):
    join_parts(Pass(layers, no_more, WANTED, commit_every), folder, parts=parts)


def assert_same(found, expected):
    np.testing.assert_array_equal(found.present, expected.present)
    for name, values in expected.layers.items():
        np.testing.assert_array_equal(found.layers[name], values)


def no_more(start, stop):
    raise AssertionError(f"rows {start} to {stop} are there already")


def test_parts_cover_every_row_once():
    assert [*part_rows(10, 0, 3)] == [0, 1, 2]
    assert [*part_rows(10, 1, 3)] == [3, 4, 5]
    assert [*part_rows(10, 2, 3)] == [6, 7, 8, 9]
    assert [len(part_rows(2, part, 3)) for part in range(3)] == [0, 1, 1]


def test_parts_make_the_cache_of_one_process_and_go_on_where_they_stopped(tmp_path):
    missing = (4, 9)
    whole, shared = tmp_path / "whole", tmp_path / "shared"
    expected = run(whole, Source(missing=missing))
    complete(shared, Source(missing=missing), 0, 2)
    with pytest.raises(OSError, match="a broken file"):
        complete(shared, Source(batch=2, fails_at=7, missing=missing), 1, 2)
    again = Source(batch=2, missing=missing)
    complete(shared, again, 1, 2)
    assert again.starts == [7]  # rows 5 and 6 were committed
    complete(shared, no_more, 0, 2)
    join(shared, 3, 2)
    assert files(shared) == files(whole)
    assert_same(run(shared, no_more), expected)


def test_the_joining_of_parts_goes_on_where_it_stopped(tmp_path, monkeypatch):
    for part in range(3):
        complete(tmp_path, Source(), part, 3)
    commit = CacheWriter.commit

    def die(self, done):
        if done > 5:
            raise KeyboardInterrupt
        commit(self, done)

    with monkeypatch.context() as patched:
        patched.setattr(CacheWriter, "commit", die)
        with pytest.raises(KeyboardInterrupt):
            join(tmp_path, 2, 3)
    for part in range(3):
        complete(tmp_path, no_more, part, 3)
    join(tmp_path, 2, 3)
    assert_same(run(tmp_path, no_more), run(tmp_path / "whole"))


def test_over_devices_a_net_gives_what_it_gives_on_one():
    def forward(scale, images):
        return {name: scale * values for name, values in layers(images).items()}

    apply = over_local_devices(forward, np.float32(2))
    found = apply(IMAGES[:5])
    assert len(found["top"].sharding.device_set) == len(jax.local_devices()) == 8
    for name, values in layers(IMAGES[:5]).items():
        np.testing.assert_array_equal(found[name][:5], 2 * values)
