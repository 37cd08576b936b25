import os
import time
from functools import partial

from tests.files.damage import damaged, survive

_WHOLE = bytes(range(256)) * 4


def test_damages_are_drawn_by_their_seed_and_all_differ_from_the_file():
    damages = list(damaged(_WHOLE, 200, seed=3))
    assert damages == list(damaged(_WHOLE, 200, seed=3))
    assert damages != list(damaged(_WHOLE, 200, seed=4))
    assert len({name.split()[0] for name, _ in damages}) == 9
    assert sum(content != _WHOLE for _, content in damages) > 190


def test_empty_and_tiny_files_can_be_damaged():
    assert len(list(damaged(b"", 18, seed=0))) == len(list(damaged(b"a", 18, seed=0))) == 18


def _misbehave(how: str, content: bytes) -> None:
    if content == _WHOLE:
        return
    if how == "refuse":
        raise ValueError("a sentence of words")
    if how == "raw":
        raise KeyError("raw")
    if how == "crash":
        os.abort()
    if how == "hang":
        time.sleep(60)
    if how == "work":
        start = time.process_time()
        while time.process_time() - start < 0.3:
            pass
    if how == "take memory":
        bytearray(b"1" * (3 << 26))


def test_what_a_reader_does_wrong_is_told_from_what_it_does_right():
    def outcome(how: str, count: int = 9, **limits: float):
        return survive(
            partial(_misbehave, how),
            _WHOLE,
            count,
            error=ValueError,
            seconds=0.1,
            memory=1 << 26,
            **limits,
        )

    assert not outcome("read").faults
    assert outcome("refuse").refused == 9
    assert "KeyError" in outcome("raw").faults[0]
    assert "ended with code -6" in outcome("crash").faults[0]
    assert "hangs" in outcome("hang", count=1, patience=1.0).faults[0]
    assert "took 0.3 s" in outcome("work", count=1).faults[0]
    assert "MemoryError" in outcome("take memory", count=1).faults[0]
