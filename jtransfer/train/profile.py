"""A profile of the train step: a trace of a few steps, and its slowest operations."""

import re
import time
import warnings
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from jtransfer.train.loop import Feed
from jtransfer.train.state import TrainState

WARM_UP = 3  # steps before those that are traced


@dataclass(frozen=True)
class Operation:
    """An operation of a compiled step.

    Attributes:
      name: as XLA calls it; a fusion is named for the last of what it fuses.
      source: where in the program it comes from, such as `jvp(Net)/trunk/conv1/dot_general`;
        `transpose(...)` is the backward pass.
      calls: in a step.
      milliseconds: in a step, all calls together; a loop's time holds its body's.
    """

    name: str
    source: str
    calls: float
    milliseconds: float


@dataclass(frozen=True)
class Profile:
    """What a few steps spent their time on.

    Attributes:
      milliseconds: of a step by the clock.
      operations: the slowest first.
      folder: of the trace, which Perfetto and XProf open.
    """

    milliseconds: float
    operations: tuple[Operation, ...]
    folder: Path

    def table(self, *, most: int = 20) -> str:
        """The slowest operations in lines of text."""
        total = sum(operation.milliseconds for operation in self.operations)
        lines = [
            f"a step takes {self.milliseconds:.2f} ms by the clock, its operations {total:.2f} ms "
            f"in all threads; trace: {self.folder}",
            f"{'ms a step':>9}  {'share':>6}  {'calls':>5}  operation",
        ]
        for each in self.operations[:most]:
            share = each.milliseconds / total if total else 0.0
            lines.append(
                f"{each.milliseconds:9.3f}  {share:6.1%}  {each.calls:5g}  "
                f"{each.name}: {each.source}"
            )
        return "\n".join(lines)


def profile_steps(
    step: Any, state: TrainState, feed: Feed, folder: Path | str, *, steps: int = 5
) -> Profile:
    """Trace a few steps, which are taken on a copy of the state and forgotten.

    Args:
      step: from `compile_step`; it is compiled once more.
      state: where the steps start; it stays usable.
      feed: gives their batches.
      folder: where the trace is written, below `plugins/profile`.
      steps: how many are traced, after some that are not.
    """
    folder = Path(folder)
    # A copy, because the step uses up the state that it is given.
    copy = jax.tree.map(jnp.copy, state.replace(rng=None))
    copy = copy.replace(rng=jax.random.clone(state.rng))
    first, constants = int(state.step), feed.constants
    inputs = [feed.inputs(first + number) for number in range(WARM_UP + steps)]
    compiled = step.lower(copy, constants, inputs[0]).compile()
    for each in inputs[:WARM_UP]:
        copy, _ = compiled(copy, constants, each)
    jax.block_until_ready(copy.params)
    options = jax.profiler.ProfileOptions()
    options.python_tracer_level = 0  # it would slow the steps
    options.session_id = f"{time.time_ns()}"  # the folder's name, of its own for every call
    with jax.profiler.trace(str(folder), profiler_options=options):
        started = time.perf_counter()
        for each in inputs[WARM_UP:]:
            copy, _ = compiled(copy, constants, each)
        jax.block_until_ready(copy.params)
        seconds = time.perf_counter() - started
    (trace,) = folder.glob(f"plugins/profile/{options.session_id}/*.xplane.pb")
    operations = _operations(trace, _sources(compiled.as_text()), steps)
    return Profile(1e3 * seconds / steps, operations, trace.parent)


def _operations(trace: Path, sources: dict[str, str], steps: int) -> tuple[Operation, ...]:
    """The events of a trace that XLA marks as operations, summed by their names."""
    calls: dict[str, int] = defaultdict(int)
    nanoseconds: dict[str, float] = defaultdict(float)
    with warnings.catch_warnings():
        # jaxlib makes the type of `stats` at the first event. From Python 3.13 on that warns, and
        # where warnings are errors it ends the process.
        warnings.filterwarnings("ignore", "builtin type .* has no __module__", DeprecationWarning)
        for plane in jax.profiler.ProfileData.from_file(str(trace)).planes:
            for line in plane.lines:
                for event in line.events:
                    name = dict(event.stats).get("hlo_op")
                    if name is not None:
                        calls[name] += 1
                        nanoseconds[name] += event.duration_ns
    slowest = sorted(nanoseconds, key=lambda name: -nanoseconds[name])
    return tuple(
        Operation(
            name, sources.get(name, ""), calls[name] / steps, 1e-6 * nanoseconds[name] / steps
        )
        for name in slowest
    )


def _sources(program: str) -> dict[str, str]:
    """Where the operations of a compiled program come from, without the name of the step."""
    found = re.findall(r'%?([\w.-]+) = .*metadata=\{op_name="(?:jit\(\w+\)/)?([^"]*)"', program)
    return dict(found)
