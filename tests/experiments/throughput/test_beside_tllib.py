"""jtransfer beside TLlib: what is counted and timed, and what the table says of it."""

import numpy as np
import pytest

from experiments.throughput import tllib_table
from experiments.throughput.beside_tllib import __main__ as command, ours, tasks
from experiments.throughput.beside_tllib.watch import Watch

RANDOM = np.random.default_rng(0)


def blobs(count, shift):
    """Two classes that lie apart, all of them shifted."""
    labels = np.arange(count, dtype=np.int32) % 2
    rows = 0.3 * RANDOM.normal(size=(count, 3)) + 2 * labels[:, None] + shift
    return rows.astype(np.float32), labels


@pytest.fixture
def data():
    (source, labels), (target, _), (test, right) = blobs(40, 0), blobs(40, 0.2), blobs(20, 0.2)
    return tasks.Arrays(source, labels, target, test, right, 2)


@pytest.mark.parametrize("method", command.METHODS)
def test_ours_learns_and_is_timed_once_it_is_warm(data, method, monkeypatch):
    monkeypatch.setattr(ours, "HIDDEN", 4)
    watch = Watch(2)
    guess = ours.train(
        ours.net_for(data), method, data, steps=40, batch=20, rate=0.1, seed=0, watch=watch
    )
    assert np.mean(guess(data.test) == data.right) == 1
    timed = watch.stop()
    assert set(timed) == {"milliseconds", "processor_milliseconds"}
    assert min(timed.values()) > 0


def test_a_watch_counts_what_comes_after_it_is_warm(monkeypatch):
    clock = iter([10.0, 16.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    monkeypatch.setattr("time.process_time", lambda: 1.0)
    watch = Watch(2)
    assert list(watch.steps(5)) == [0, 1, 2, 3, 4]
    assert watch.stop() == {"milliseconds": 2000.0, "processor_milliseconds": 0.0}
    with pytest.raises(ValueError, match="no step after the first 9; expected some"):
        Watch(9).stop()


def counted(one, *, two):
    """A line

    that does not count.
    """
    # nor does this
    three = dict(
        one=one,
        two=two,
    )

    return three  # but this


def test_lines_of_code_are_those_with_code():
    assert command.lines_of(counted) == 2


def test_what_is_missing_is_said(monkeypatch, capsys):
    monkeypatch.setattr(command, "missing", lambda: "tllib")
    assert command.main(command.Config()) == []
    assert capsys.readouterr().out.startswith("skipped: tllib not found; --tllib names the folder")


def test_the_table_by_hand():
    turn = {"accuracy": 0.5, "milliseconds": 3.0, "processor_milliseconds": 4.0}
    result = {
        "task": tllib_table.ORDER[0],
        "method": "DANN",
        "steps": 600,
        "warm": 50,
        "batch": 64,
        "rate": 0.01,
        "seeds": [0, 1],
        "torch": "2",
        "lines": {"jtransfer": 16, "TLlib": 40},
        "measured": {
            "jtransfer": [turn, {**turn, "accuracy": 0.7}],
            "TLlib": [{**turn, "milliseconds": 5.0}] * 2,
        },
        "made_by": {"device": "1 x toy", "versions": {"jax": "1", "flax": "2"}},
    }
    page = tllib_table.beside_tllib([{**result, "method": "CDAN"}, result])
    row = "| USPS → MNIST | DANN | jtransfer | 0.600 ± 0.141 | 3.0 ± 0.0 | 4.0 ± 0.0 | 16 |"
    assert row in page
    assert page.index("| DANN |") < page.index("| CDAN |")
    assert set(tllib_table.ORDER) == set(tasks.TASKS)
    (headline,) = tllib_table.headlines([result])
    assert headline.measured == "0.600 ± 0.141, 4.0 ± 0.0"
    assert headline.published == "0.500 ± 0.000, 4.0 ± 0.0 (TLlib)"
    assert tllib_table.beside_tllib([]) == ""
