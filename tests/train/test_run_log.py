import io
import json

import pytest

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
