import errno
import random
import shutil
import subprocess

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jtransfer.files.locking import sole_writer
from jtransfer.train import checkpoint
from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.loop import fit
from jtransfer.train.state import TrainState
from jtransfer.train.step_folders import CheckpointError
from tests.draws import normal
from tests.train import regression


@pytest.fixture
def trained():
    return fit(regression.compiled_step(), regression.initial_state(), regression.Feed(), steps=3)


def raw(state):
    return jax.tree.map(np.asarray, state.replace(rng=jax.random.key_data(state.rng)), is_leaf=None)


def large(step, *, width=32):
    """A state whose arrays are too large for orbax's own checksums, another one for every step."""
    key = jax.random.key(step)
    variables = {"params": {"w": normal(step, (64, width)), "b": jnp.ones(width)}}
    state = TrainState.create(variables, optax.sgd(0.1, momentum=0.9), rng=key)
    return state.replace(step=jnp.int32(step))


def save(folder, *steps, **options):
    with Checkpoints(folder, **options) as checkpoints:
        for step in steps:
            checkpoints.save(large(step))


def restored(folder):
    """The state that is found, and what was told."""
    with Checkpoints(folder) as checkpoints:
        return checkpoints.restore(large(0))


def assert_same(ours, theirs):
    jax.tree.map(np.testing.assert_array_equal, raw(ours), raw(theirs))


def flip(file, at, bit=0):
    content = bytearray(file.read_bytes())
    content[at] ^= 1 << bit
    file.write_bytes(content)


def files_of(folder):
    return sorted(each for each in folder.rglob("*") if each.is_file() and each.stat().st_size)


def largest_file(folder):
    return max(files_of(folder), key=lambda file: file.stat().st_size)


def test_the_whole_state_comes_back_bit_by_bit(tmp_path, trained):
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.latest_step is None
        checkpoints.save(trained)
        checkpoints.wait()
        assert checkpoints.latest_step == 3
        restored = checkpoints.restore(regression.initial_state())
    assert_same(restored, trained)
    assert restored.rng.dtype == trained.rng.dtype
    assert jax.tree.structure(restored) == jax.tree.structure(trained)


@pytest.mark.parametrize(("options", "kept"), [({"keep": 1}, ["3"]), ({}, ["2", "3"])])
def test_only_the_newest_are_kept(tmp_path, options, kept):
    save(tmp_path, 1, 2, 3, **options)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == kept
    with pytest.raises(ValueError, match="keep is 0"):
        Checkpoints(tmp_path, keep=0)


def test_restoring_from_nothing_is_an_error(tmp_path):
    with (
        Checkpoints(tmp_path) as checkpoints,
        pytest.raises(FileNotFoundError, match="no checkpoint in"),
    ):
        checkpoints.restore(regression.initial_state())


def test_no_flipped_bit_is_restored_and_an_older_intact_step_is(tmp_path, capsys):
    """A hundred bits over all files; without checksums 34 of them were restored silently."""
    whole, damaged = tmp_path / "whole", tmp_path / "damaged"
    save(whole, 10, 20)
    files, draw = files_of(whole), random.Random(0)
    for _ in range(100):
        shutil.copytree(whole, damaged)
        (chosen,) = draw.choices(files, [each.stat().st_size for each in files])
        name = chosen.relative_to(whole)
        flip(damaged / name, draw.randrange(chosen.stat().st_size), draw.randrange(8))
        in_newest = name.parts[0] == "20"
        assert_same(restored(damaged), large(10 if in_newest else 20))
        told = f"{damaged}/20 is damaged ("
        said = capsys.readouterr().err
        assert said.count(told) == in_newest
        assert ("the newest intact checkpoint is that of step 10" in said) == in_newest
        shutil.rmtree(damaged)


def test_where_every_step_is_damaged_nothing_is_restored(tmp_path):
    save(tmp_path, 10, 20)
    for step in ("10", "20"):
        flip(largest_file(tmp_path / step), 5)
    message = r"every checkpoint in .* is damaged \(20: default/.* does not match its checksum\)"
    with Checkpoints(tmp_path) as checkpoints:
        with pytest.raises(CheckpointError, match=message):
            checkpoints.restore(large(0))
        with pytest.raises(CheckpointError, match="remove this folder to start anew"):
            checkpoints.save(large(5))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda step: largest_file(step).unlink(), "is missing"),
        (lambda step: largest_file(step).write_bytes(b""), "does not match its checksum"),
        (lambda step: (step / "checksums.txt").write_text("no checksums"), "is damaged itself"),
        (lambda step: (step / "checksums.txt").write_text(""), "checksums.txt is empty"),
        (lambda step: (step / "default" / "more").write_text("x"), "was not there"),
    ],
)
def test_other_damage_is_noticed_too(tmp_path, capsys, damage, said):
    save(tmp_path, 10, 20)
    damage(tmp_path / "20")
    assert_same(restored(tmp_path), large(10))
    assert said in capsys.readouterr().err


def test_what_is_damaged_is_set_aside_when_its_step_comes_again(tmp_path, capsys):
    save(tmp_path, 10, 20)
    flip(largest_file(tmp_path / "20"), 5)
    (tmp_path / "30.orbax-checkpoint-tmp").mkdir()  # of a killed run
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.latest_step == 10
        assert (tmp_path / "20").exists()  # nothing is moved by looking
        checkpoints.save(large(20))
    assert_same(restored(tmp_path), large(20))
    names = {path.name for path in tmp_path.iterdir() if path.is_dir()}
    assert names == {"10", "20", "20.damaged"}
    assert capsys.readouterr().err.count("is damaged") == 1


def test_a_step_that_was_not_sealed_was_not_finished(tmp_path, capsys):
    save(tmp_path, 10, 20)
    (tmp_path / "20" / "checksums.txt").unlink()
    assert_same(restored(tmp_path), large(10))
    (tmp_path / "5").mkdir()  # half removed
    save(tmp_path, 15)
    assert not (tmp_path / "20").exists()
    assert not (tmp_path / "5").exists()
    assert capsys.readouterr().err == ""


def test_checkpoints_from_before_checksums_are_taken_and_that_is_told(tmp_path, capsys):
    save(tmp_path, 10, 20)
    for step in ("10", "20"):
        (tmp_path / step / "checksums.txt").unlink()
        (tmp_path / step / "structure.json").unlink()
    assert_same(restored(tmp_path), large(20))
    assert "20 has no checksums; it is taken unchecked" in capsys.readouterr().err


def test_the_checksums_are_those_of_sha256sum(tmp_path):
    save(tmp_path, 10)
    command = ["sha256sum", "--check", "--strict", "--quiet", "checksums.txt"]
    assert subprocess.run(command, cwd=tmp_path / "10").returncode == 0


def test_a_state_of_another_structure_is_refused_with_what_differs(tmp_path):
    save(tmp_path, 10)
    with Checkpoints(tmp_path) as checkpoints:
        with pytest.raises(CheckpointError) as raised:
            checkpoints.restore(large(0, width=31))
        halves = large(0)
        halves = halves.replace(params=jax.tree.map(jnp.float16, halves.params))
        with pytest.raises(CheckpointError, match=r"float32\[32\] there and float16\[32\] here"):
            checkpoints.restore(halves)
        with pytest.raises(
            CheckpointError, match=r"trace\['b'\] is float32\[32\] there and nothing here"
        ):
            checkpoints.restore(regression.initial_state())
    assert ".params['w'] is float32[64, 32] there and float32[64, 31] here" in str(raised.value)
    assert "partial" not in str(raised.value)


def test_a_full_disk_costs_no_checkpoint_that_was_there(tmp_path, monkeypatch):
    save(tmp_path, 10, 20)

    def full(folder):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint, "seal", full)
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(large(30))
    message = "checkpoint of step 30 could not be written to .*No space left on device"
    with pytest.raises(CheckpointError, match=message):
        checkpoints.close()
    assert_same(restored(tmp_path), large(20))


def test_the_cause_is_named_however_long_the_message(tmp_path, monkeypatch):
    def full(folder):
        raise ValueError(f"RESOURCE_EXHAUSTED: {'/a/long/path' * 50}: No space left on device [1]")

    monkeypatch.setattr(checkpoint, "seal", full)
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(large(30))
    with pytest.raises(CheckpointError, match=r"\(No space left on device\); those before it"):
        checkpoints.close()


def test_a_second_writer_is_refused_and_a_reader_is_not(tmp_path):
    save(tmp_path, 10)
    with sole_writer(tmp_path), Checkpoints(tmp_path) as checkpoints:
        assert_same(checkpoints.restore(large(0)), large(10))
        with pytest.raises(CheckpointError, match="another process writes checkpoints to"):
            checkpoints.save(large(20))
    save(tmp_path, 20)
    assert_same(restored(tmp_path), large(20))


@pytest.mark.parametrize(
    ("move", "said", "newest"),
    [
        (lambda folder: shutil.copytree(folder / "1", folder / "3"), "3 is damaged (it holds", 2),
        (lambda folder: (folder / "2").rename(folder / "3"), "3 is damaged (it holds step 2)", 1),
        (lambda folder: (folder / "2").rename(folder / "02"), "", 1),
        (lambda folder: (folder / "2").rename(folder / "\u0662"), "", 1),  # a 2 in Arabic
    ],
)
def test_a_step_in_the_folder_of_another_is_not_taken_for_it(tmp_path, capsys, move, said, newest):
    save(tmp_path, 1, 2)
    move(tmp_path)
    assert_same(restored(tmp_path), large(newest))
    assert said in capsys.readouterr().err
    save(tmp_path, 2, 3)
    assert_same(restored(tmp_path), large(3))


def test_of_swapped_steps_none_is_restored(tmp_path):
    save(tmp_path, 1, 2)
    for name, other in (("1", "a"), ("2", "1"), ("a", "2")):
        (tmp_path / name).rename(tmp_path / other)
    with pytest.raises(CheckpointError, match=r"damaged \(2: it holds step 1\)"):
        restored(tmp_path)


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "steps").write_text("")
    with pytest.raises(CheckpointError, match=r"cannot be kept in .*steps .*expected a folder"):
        save(tmp_path / "steps", 1)
