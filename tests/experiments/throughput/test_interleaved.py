from experiments.throughput.interleaved import FEWEST, Rival, apart, summary, take_turns


def counter():
    """A step that does nothing."""
    return (lambda: None), {"told": 7}


def test_turns_are_counted_and_bounded():
    times = take_turns([Rival("a", counter), Rival("b", counter)], rounds=3, warm_up=1)
    assert [times[name]["rounds"] for name in "ab"] == [3, 3]
    assert times["a"]["told"] == 7
    times = take_turns([Rival("a", counter)], rounds=100, warm_up=0, seconds=0.0)
    assert times["a"]["rounds"] == FEWEST
    assert apart(max, 1, 2) == 2


def test_summary_by_hand():
    assert summary([0.001, 0.002, 0.003]) == {
        "median_ms": 2.0,
        "quartiles_ms": [1.0, 3.0],
        "rounds": 3,
    }
