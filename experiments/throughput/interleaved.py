"""Rivals are timed interleaved: they take turns, each in a process of its own.

The main process holds no device, for only one process can hold a TPU.
"""

import multiprocessing
import random
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from jtransfer.train.run_folder import write_json

FEWEST = 5  # rounds, however long they take

Prepared = tuple[Callable[[], None], dict[str, Any]]
"""What is timed at each turn, and what its preparation has told."""


@dataclass(frozen=True)
class Rival:
    """What takes turns: how it is called, and what makes its step in a new process."""

    name: str
    prepare: Callable[[], Prepared]


def serve(rival: Rival, warm_up: int, pipe: Connection) -> None:
    """In a process of its own: make the step, then take one whenever asked and send its time."""
    run, told = rival.prepare()
    for _ in range(warm_up):
        run()
    pipe.send(told)
    while _asked(pipe):
        started = time.perf_counter()
        run()
        pipe.send(time.perf_counter() - started)


def take_turns(
    rivals: list[Rival], *, rounds: int, warm_up: int, seconds: float = float("inf")
) -> dict[str, dict[str, Any]]:
    """Median time of a step for each rival, a step of each in every round.

    Args:
      rivals: who takes turns.
      rounds: timed steps of each.
      warm_up: steps of each before them.
      seconds: after which there are no more rounds, if there have been `FEWEST`.
    """
    times, told = turns(rivals, rounds=rounds, warm_up=warm_up, seconds=seconds)
    return {name: {**summary(values), **told[name]} for name, values in times.items()}


def turns(
    rivals: list[Rival], *, rounds: int, warm_up: int, seconds: float = float("inf")
) -> tuple[dict[str, list[float]], dict[str, dict[str, Any]]]:
    """The seconds of each rival's steps in their order, and what its preparation told."""
    context = multiprocessing.get_context("spawn")
    pipes, told = {}, {}
    times: dict[str, list[float]] = {rival.name: [] for rival in rivals}
    try:
        for rival in rivals:
            pipes[rival.name], theirs = context.Pipe()
            context.Process(target=serve, args=(rival, warm_up, theirs)).start()
            # The other end is the child's alone: where the child dies, `recv` ends at once.
            theirs.close()
            told[rival.name] = pipes[rival.name].recv()
        # None always follows the same one, whose threads may not yet be at rest.
        order = random.Random(0)
        began = time.perf_counter()
        for number in range(rounds):
            if number >= FEWEST and time.perf_counter() - began > seconds:
                break
            for name in order.sample([*pipes], len(pipes)):
                pipes[name].send(True)
                times[name].append(pipes[name].recv())
    finally:
        for pipe in pipes.values():
            pipe.close()  # which ends its process
        for process in multiprocessing.active_children():
            process.join()
    return times, told


def _asked(pipe: Connection) -> bool:
    """Wait for the next turn; False where there will be none."""
    try:
        return pipe.recv()
    except EOFError:
        return False


def summary(seconds: list[float]) -> dict[str, Any]:
    """Median and quartiles in milliseconds, of at least two times."""
    return {
        "median_ms": 1e3 * statistics.median(seconds),
        "quartiles_ms": [1e3 * q for q in statistics.quantiles(seconds, n=4)[::2]],
        "rounds": len(seconds),
    }


def apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a function that is called in a process of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def keep(out: Path, name: str, result: dict[str, Any], *pictures: Path) -> None:
    """Write a benchmark's numbers to the file of that name in a folder, and say where they are."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"{name}.json"
    write_json(file, result)
    print("results: " + ", ".join(map(str, (file, *pictures))))
