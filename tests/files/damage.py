"""Damaged versions of a file's bytes, and a child process in which a reader must survive them.

A kind of file is tried so, with a function of the test's module that writes the bytes and reads::

    outcome = survive(partial(read_png, tmp_path / "a.png"), intact, 60, error=DataError)
    assert not outcome.faults

"""

import multiprocessing
import random
import resource
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any


def damaged(intact: bytes, count: int, *, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield `count` damaged versions of a file, each with the name of what was done to it.

    In turn: one to sixteen flipped bits, a cut end, swapped ranges, overwritten bytes, a range
    taken out, one put in twice, a range of zeros, a size of many bits set (0xff in a row), flips
    within the first 64 bytes, where headers are. The same seed gives the same damages.
    """
    kinds = (_flip, _cut, _swap, _overwrite, _remove, _repeat, _blank, _fill, _flip_head)
    for number in range(count):
        change = kinds[number % len(kinds)]
        draw = random.Random(f"{seed}/{number}")
        yield f"{change.__name__.strip('_')} {number}", change(intact, draw)


def _range(intact: bytes, draw: random.Random, most: int) -> tuple[int, int]:
    """A range of at least one byte, where there is one."""
    start = draw.randrange(max(1, len(intact)))
    return start, min(len(intact), start + draw.randint(1, most))


def _flip(intact: bytes, draw: random.Random, within: int | None = None) -> bytes:
    content = bytearray(intact)
    for _ in range(draw.choice((1, 1, 2, 4, 16))):
        if content:
            content[draw.randrange(min(len(content), within or len(content)))] ^= (
                1 << draw.randrange(8)
            )
    return bytes(content)


def _flip_head(intact: bytes, draw: random.Random) -> bytes:
    return _flip(intact, draw, within=64)


def _cut(intact: bytes, draw: random.Random) -> bytes:
    return intact[: draw.randrange(max(1, len(intact)))]


def _swap(intact: bytes, draw: random.Random) -> bytes:
    first, between, second, end = sorted(draw.randint(0, len(intact)) for _ in range(4))
    return (
        intact[:first]
        + intact[second:end]
        + intact[between:second]
        + intact[first:between]
        + intact[end:]
    )


def _overwrite(intact: bytes, draw: random.Random) -> bytes:
    start, end = _range(intact, draw, 16)
    return intact[:start] + draw.randbytes(end - start) + intact[end:]


def _remove(intact: bytes, draw: random.Random) -> bytes:
    start, end = _range(intact, draw, 64)
    return intact[:start] + intact[end:]


def _repeat(intact: bytes, draw: random.Random) -> bytes:
    start, end = _range(intact, draw, 64)
    return intact[:end] + intact[start:]


def _blank(intact: bytes, draw: random.Random) -> bytes:
    start, end = _range(intact, draw, 64)
    return intact[:start] + bytes(end - start) + intact[end:]


def _fill(intact: bytes, draw: random.Random) -> bytes:
    start, end = _range(intact, draw, 8)
    return intact[:start] + b"\xff" * (end - start) + intact[end:]


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What became of a number of damaged files.

    Attributes:
      read: how many were read all the same.
      refused: how many were refused by the error that is right.
      faults: what went otherwise, in words: raw exceptions, a crash, a hang, slowness, memory.
      slowest: seconds of work for one file.
      memory: bytes by which the process grew at its peak.
    """

    read: int = 0
    refused: int = 0
    faults: tuple[str, ...] = ()
    slowest: float = 0.0
    memory: int = 0


def survive(
    read: Callable[[bytes], object],
    intact: bytes,
    count: int,
    *,
    error: type[Exception] | tuple[type[Exception], ...],
    seed: int = 0,
    seconds: float = 5.0,
    patience: float = 60.0,
    memory: int = 1 << 30,
) -> Tally:
    """Have a child process read damaged versions of a file, and say what became of each.

    The child first reads the file as it is, which must go well and imports what it takes; its
    memory is bounded from then on. It works alone: a crash or a hang ends the count there, as a
    fault that names the damage.

    Args:
      read: takes a file's bytes and reads them as users would, usually from a file; a function of a
        module, or a `partial` of one, since the child is a new process (spawned, not forked).
      intact: the bytes of a file that is whole.
      count: how many damages, as `damaged` makes them from `seed`.
      error: what a reader may raise, in a sentence; anything else is a fault.
      seconds: of work that one reading may take.
      patience: seconds by the clock after which a reading hangs; others may need the processor too.
      memory: bytes by which the child may grow over what it took for the intact file.
    """
    context = multiprocessing.get_context("spawn")
    here, there = multiprocessing.Pipe()
    child = context.Process(target=_reader, args=(there, read, error, memory), daemon=True)
    child.start()
    there.close()
    count_of = {"read": 0, "refused": 0, "fault": 0}
    slowest, grown = 0.0, 0
    faults: list[str] = []
    for name, content in (("intact", intact), *damaged(intact, count, seed=seed)):
        answer = _ask(here, content, patience if name != "intact" else 120.0)
        if answer is None:
            faults.append(f"{name}: {_end_of(child)}")
            break
        verdict, said, worked, grown = answer
        if name == "intact":
            assert verdict == "read", f"the intact file: {said}"
            continue
        count_of[verdict] += 1
        slowest = max(slowest, worked)
        if verdict == "fault":
            faults.append(f"{name}: {said}")
        if worked > seconds:
            faults.append(f"{name}: took {worked:.1f} s")
    child.kill()
    child.join()
    here.close()
    if grown > memory:
        faults.append(f"the process grew by {grown / 2**30:.2f} GiB")
    return Tally(
        read=count_of["read"],
        refused=count_of["refused"],
        faults=tuple(faults),
        slowest=slowest,
        memory=grown,
    )


def _ask(pipe: Any, content: bytes, seconds: float) -> tuple[str, str, float, int] | None:
    """The child's verdict, what was said, seconds of work, bytes; None if it gave none in time."""
    try:
        pipe.send_bytes(content)
        return pipe.recv() if pipe.poll(seconds) else None
    except (EOFError, OSError):
        return None


def _end_of(child: BaseProcess) -> str:
    child.join(1.0)
    return "hangs" if child.exitcode is None else f"the process ended with code {child.exitcode}"


def _reader(
    pipe: Any,
    read: Callable[[bytes], object],
    error: type[Exception] | tuple[type[Exception], ...],
    memory: int,
) -> None:
    """Read what comes through the pipe until it closes."""
    before = 0
    while True:
        try:
            content = pipe.recv_bytes()
        except EOFError:
            return
        start, verdict, said = time.process_time(), "read", ""
        try:
            read(content)
        except error as refusal:
            said = str(refusal).strip()
            verdict = "refused" if " " in said else "fault"
        except BaseException:
            verdict, said = "fault", traceback.format_exc()
        if not before:
            before = _peak()
            _bound_address_space(2 * memory)
        pipe.send((verdict, said, time.process_time() - start, _peak() - before))


def _bound_address_space(more: int) -> None:
    """Let this process take so many bytes more, where the system tells what it has (Linux)."""
    try:
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except FileNotFoundError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (taken + more, taken + more))


def _peak() -> int:
    """Bytes of memory that this process held at its peak."""
    try:  # getrusage would count what the parent held before this process became itself
        status = Path("/proc/self/status").read_text()
        return 1024 * int(status.partition("VmHWM:")[2].split()[0])
    except FileNotFoundError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
