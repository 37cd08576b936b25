"""What the training loops of all experiments run under, in every test of them."""

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
    """A step is compiled when it is first called, what evaluates after it once, nothing else."""
    step_of = compilation._PlacingStep.__call__
    runs = defaultdict(list)  # for every run of a step, what was compiled up to each of its calls

    def watched(step, state, constants, inputs):
        number = int(state.step)
        if not runs[step] or runs[step][-1]["next"] != number:
            runs[step].append({"calls": [], "since": []})
        run = runs[step][-1]
        if run["calls"]:
            run["since"].append(compilations[run["seen"] :])
        seen = len(compilations)
        state, metrics = step_of(step, state, constants, inputs)
        run["calls"].append(compilations[seen:])
        run["seen"], run["next"] = len(compilations), int(state.step)
        return state, metrics

    monkeypatch.setattr(compilation._PlacingStep, "__call__", watched)
    yield
    for step, its_runs in runs.items():
        assert step.jitted._cache_size() == 1
        first, *others = [names for run in its_runs for names in run["calls"]]
        assert others == [[]] * len(others)
        for run in its_runs:
            between = [names for names in run["since"] if names]
            assert between[1:] == [], "compiled after the first evaluation"


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
