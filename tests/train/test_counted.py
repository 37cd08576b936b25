import io
from itertools import pairwise

from jtransfer.train.counted import counted


def told(seconds: list[float]) -> tuple[list[str], list[str]]:
    """What is counted when each thing takes so many seconds, and the lines that the reader sees."""
    stream, now = io.StringIO(), [0.0]
    names = [chr(ord("a") + place) for place in range(len(seconds))]
    seen = []
    for place, name in enumerate(counted(names, "rows", stream=stream, clock=lambda: now[0])):
        seen.append(name)
        now[0] += seconds[place]
    return seen, stream.getvalue().splitlines()


def test_the_time_left_by_hand():
    """Two rows of 60 and 120 s: one more takes 90 s."""
    seen, lines = told([60, 120, 1])
    assert seen == ["a", "b", "c"]
    assert lines == ["1 of 3 rows, about 2m 00s left", "2 of 3 rows, about 1m 30s left"]


def test_what_was_finished_before_does_not_count():
    """Two at once, one of 30 s: the other two take 60 s, and not 21 s."""
    assert told([0, 0.1, 30, 30, 30])[1][0] == "3 of 5 rows, about 1m 00s left"


def test_short_things_are_told_now_and_then():
    lines = told([2] * 10)[1]
    assert [line.split()[0] for line in lines] == ["3", "6", "9"]
    assert all(one != other for one, other in pairwise(lines))


def test_nothing_is_told_where_nothing_takes_long_or_nothing_is_left():
    assert told([0.5] * 20)[1] == []
    assert told([100])[1] == []
    assert told([]) == ([], [])
