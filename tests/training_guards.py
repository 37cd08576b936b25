"""What training loops run under, in every test of recipes and experiments."""

import sys
from collections import defaultdict

import jax
import pytest

from jtransfer.train import compilation, loop

COMPILATION = "/jax/core/compile/backend_compile_duration"
compilations: list[str] = []


def note(event, seconds, **about):
    """Of a compiled program, whether it was found in a cache or not."""
    if event == COMPILATION:
        compilations.append(about.get("fun_name", ""))


jax.monitoring.register_event_duration_secs_listener(note)


@pytest.fixture(autouse=True)
def nothing_is_compiled_twice(monkeypatch):
    """A step is compiled when it first sees data of a shape, what evaluates once, nothing else."""
    step_of = compilation._PlacingStep.__call__
    runs = defaultdict(list)  # of a step on data of a shape; each lists what calls compiled

    def watched(step, state, constants, inputs):
        shapes = jax.tree.map(jax.numpy.shape, (constants, inputs))
        of_step, number = runs[step, str(shapes)], int(state.step)
        if not of_step or of_step[-1]["next"] != number:
            of_step.append({"calls": [], "between": [], "seen": len(compilations)})
        run = of_step[-1]
        run["between"].append(compilations[run["seen"] :])
        seen = len(compilations)
        state, metrics = step_of(step, state, constants, inputs)
        run["calls"].append(compilations[seen:])
        run["seen"], run["next"] = len(compilations), number + 1
        return state, metrics

    monkeypatch.setattr(compilation._PlacingStep, "__call__", watched)
    yield
    for of_step in runs.values():
        calls = [names for run in of_step for names in run["calls"]]
        assert not any(calls[1:]), f"steps compiled {calls[1:]} after the first"
        for run in of_step:
            between = [names for names in run["between"] if names]
            assert len(between) <= 1, f"compiled after the first evaluation: {between[1:]}"


@pytest.fixture(autouse=True)
def nothing_is_sent_unasked(monkeypatch):
    """`fit` runs under the transfer guard, wherever it is called."""

    def guarded(*arguments, **options):
        with jax.transfer_guard("disallow"):
            return fit(*arguments, **options)

    fit = loop.fit
    for name, module in list(sys.modules.items()):
        if name.startswith(("experiments.", "jtransfer.")) and getattr(module, "fit", None) is fit:
            monkeypatch.setattr(module, "fit", guarded)
