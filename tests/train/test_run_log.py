import errno
import io
import json
import os
import time

import numpy as np
import pytest

from jtransfer.train.run_folder import RunFolderError
from jtransfer.train.run_log import RunLog, read_records


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def file(tmp_path):
    return tmp_path / "metrics.jsonl"


def test_records_go_to_the_file_as_they_come(file):
    with RunLog(file, name="run", total_steps=10, stream=io.StringIO()) as log:
        log.write(5, {"loss": 0.25})
        assert json.loads(file.read_text()) == {"step": 5, "loss": 0.25}


def test_a_pipe_gets_plain_lines_with_loss_speed_and_time_left(file):
    stream = io.StringIO()
    with RunLog(file, name="run", total_steps=2000, examples_per_step=8, stream=stream) as log:
        log.write(1000, {"loss": 0.25})
        log.write(1000, {"target_accuracy": 0.5})
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("run: step 1,000 of 2,000, loss 0.2500, ")
    assert "examples/s" in lines[0]
    assert lines[0].endswith("0m 00s left")


def test_a_terminal_gets_a_bar(file):
    stream = Terminal()
    with RunLog(file, name="run", total_steps=10, examples_per_step=8, stream=stream) as log:
        log.write(5, {"loss": 0.25})
    assert "5/10" in stream.getvalue()
    assert "loss 0.2500" in stream.getvalue()


def test_what_will_come_again_is_dropped_and_a_torn_line_is_ignored(file):
    lines = [json.dumps({"step": step, "loss": 1.0}) for step in (5, 10, 15)]
    file.write_text("\n".join([*lines, '{"step": 20, "lo']))
    assert [record["step"] for record in read_records(file)] == [5, 10, 15]
    with RunLog(file, name="run", total_steps=20, first_step=10, stream=io.StringIO()) as log:
        log.write(15, {"loss": 2.0})
    assert [(r["step"], r["loss"]) for r in read_records(file)] == [(5, 1.0), (10, 1.0), (15, 2.0)]


def test_tensorboard_gets_the_records_when_it_is_there(file):
    pytest.importorskip("tensorboardX")
    with RunLog(file, name="run", total_steps=10, stream=io.StringIO()) as log:
        log.write(5, {"loss": 0.25})
    events = list((file.parent / "tensorboard").glob("events.*"))
    assert len(events) == 1
    assert b"loss" in events[0].read_bytes()


def ten_records(file):
    records = [{"step": step, "loss": step / 7} for step in range(10, 101, 10)]
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    return records


def steps_after_a_resume(file, stream=None):
    with RunLog(file, name="run", total_steps=100, first_step=100, stream=stream or io.StringIO()):
        pass
    return [record["step"] for record in read_records(file)]


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        (b'{"step": 30, "loss"', b'{"step": 30; "loss"', 9),
        (b'{"step": 30, "loss"', b'{"step": 30, "l\xf0ss"', 10),  # a name that was no UTF-8
        (b'{"step": 30, "loss"', b'{"st\xe5p": 30, "loss"', 9),
        (b'{"step": 30,', b'\n\n \n{"step": 30,', 10),  # blank lines
        (b'\n{"step": 40,', b'{"step": 40,', 10),  # glued
        (b'\n{"step": 40,', b'*{"step": 40,', 10),  # a newline with a flipped bit
        (b'\n{"step": 40,', b'\x8a{"step": 40,', 10),
        (b'{"step": 30,', b'[1, 2]\nnull\n"text"\n{"loss": 2}\n{"step": 30,', 10),
        (b'{"step": 30,', b'\x00\x00\x00{"step": 30,', 10),  # after a power cut
        (b'{"step": 30,', b'{"step": 30, "loss": [[[{"step": 30,', 10),  # torn, then written again
    ],
)
def test_one_damaged_line_costs_no_other_record(file, old, new, kept):
    ten_records(file)
    content = file.read_bytes()
    assert old in content
    file.write_bytes(content.replace(old, new))
    steps = steps_after_a_resume(file)
    assert len(steps) == kept
    assert {*range(10, 101, 10)} - {*steps} == ({30} if kept == 9 else set())
    assert all(isinstance(json.loads(line), dict) for line in file.read_text().splitlines())


@pytest.mark.parametrize("piece", [b'{"step":', b'{"step":1, "a":"', b'{"step":[['])
def test_a_megabyte_of_damage_costs_seconds(file, piece):
    whole = ten_records(file)
    file.write_bytes(file.read_bytes() + piece * (1_000_000 // len(piece)) + b"\n")
    began = time.perf_counter()
    assert read_records(file) == whole
    assert time.perf_counter() - began < 10


def test_a_step_is_a_number_of_steps(file):
    file.write_bytes(
        b'{"step": true}\r\n{"step": -1}\r\n{"step": 1%b}\n{"step": 4}\r\n' % (b"0" * 30)
    )
    assert read_records(file) == [{"step": 4}]


def test_any_flipped_bit_costs_one_record_at_most(file):
    whole = ten_records(file)
    content, random = file.read_bytes(), np.random.default_rng(0)
    for place, bit in zip(
        random.integers(0, len(content), 300), random.integers(0, 8, 300), strict=True
    ):
        damaged = bytearray(content)
        damaged[place] ^= 1 << bit
        file.write_bytes(damaged)
        there = read_records(file)
        assert sum(record in there for record in whole) >= 9, (place, bit)


def test_what_is_damaged_is_moved_aside_and_told(file):
    ten_records(file)
    file.write_bytes(file.read_bytes().replace(b'{"step": 30, "loss"', b'{"st\xe5p": 30, "loss"'))
    stream = io.StringIO()
    assert len(steps_after_a_resume(file, stream)) == 9
    aside = file.with_name("metrics.jsonl.damaged")
    assert aside.read_bytes() == b'{"st\xe5p": 30, "loss": ' + f"{30 / 7}".encode() + b"}\n"
    assert f"was damaged: what could not be read is in {aside}, the rest is kept" in (
        stream.getvalue()
    )
    stream = io.StringIO()
    steps_after_a_resume(file, stream)
    assert stream.getvalue() == ""


def test_a_torn_last_line_is_no_damage(file):
    ten_records(file)
    file.write_bytes(file.read_bytes() + b'{"step": 110, "lo')
    stream = io.StringIO()
    assert len(steps_after_a_resume(file, stream)) == 10
    assert stream.getvalue() == ""
    assert [each.name for each in file.parent.iterdir() if "damaged" in each.name] == []


def test_a_full_disk_leaves_whole_records(file, monkeypatch):
    whole = ten_records(file)

    class FullDisk:
        """Takes five bytes, then no more."""

        def __init__(self, stream):
            self.stream, self.room = stream, 5

        def write(self, content):
            if not self.room:
                raise OSError(errno.ENOSPC, "No space left on device")
            written = self.stream.write(content[: self.room])
            self.room = 0
            return written

        def __getattr__(self, name):
            return getattr(self.stream, name)

    with RunLog(file, name="run", total_steps=200, first_step=100, stream=io.StringIO()) as log:
        log._lines = FullDisk(log._lines)
        with pytest.raises(
            RunFolderError, match=r"metrics.jsonl cannot be written \(No space left"
        ):
            log.write(110, {"loss": 1.0})
    assert read_records(file) == whole
    assert file.read_bytes().endswith(b"}\n")

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunFolderError, match=r"metrics.jsonl cannot be written \(No space left"):
        RunLog(file, name="run", total_steps=200, first_step=50)
    assert read_records(file) == whole


def test_sums_of_an_open_record_come_back_bit_by_bit(file):
    sums = {"loss": (np.float64(0.1) + 0.2, 3.0), "each": (np.array([1 / 3, 2 / 3]), np.ones(2))}
    with RunLog(file, name="run", total_steps=10, stream=io.StringIO()) as log:
        log.keep_open(8, sums)
        assert log.take_open(7) == {}
        taken = log.take_open(8)
        for name, pair in sums.items():
            np.testing.assert_array_equal(taken[name], pair)
        log.forget_open()
        assert log.take_open(8) == {}


def test_sums_that_cannot_be_read_are_told_of(file):
    stream = io.StringIO()
    for sums in ('"sums"', '"sum": 1}', '"sums": {"loss": 3}}', '"sums": [1, 2]}'):
        content = f'{{"step": 8, {sums}'
        file.with_name("metrics.open.json").write_text(content)
        with RunLog(file, name="run", total_steps=10, stream=stream) as log:
            assert log.take_open(8) == {}
    assert stream.getvalue().count("metrics.open.json holds is not used") == 4


def test_a_full_disk_at_tensorboard_is_told_once_and_ends_no_run(file):
    class FullBoard:
        def add_scalar(self, *_):
            raise OSError(errno.ENOSPC, "No space left on device")

        close = add_scalar

    stream = io.StringIO()
    with RunLog(file, name="run", total_steps=10, stream=stream) as log:
        log._board = FullBoard()
        log.write(5, {"loss": 1.0})
        log.write(10, {"loss": 1.0})
    assert stream.getvalue().count("not written any more (No space left on device)") == 1
    assert len(read_records(file)) == 2
