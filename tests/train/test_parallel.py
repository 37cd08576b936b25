"""Every method's step over several devices is the step of one; so it is over two processes."""

import re
import time
from functools import cache

import jax
import numpy as np
import pytest

from jtransfer.train.compilation import compile_step_by_pmap, data_mesh
from jtransfer.train.loop import fit
from jtransfer.train.parallel import Parallel
from tests.train import regression
from tests.train.games import BY_PMAP, METHODS, STEPS, trained
from tests.train.one_of_several import STARTED
from tests.train.processes import two_processes


@cache
def parameters(name, devices, *, by="jit"):
    """A method's parameters after some steps on so many devices, and those it started from."""
    return trained(name, jax.devices()[:devices], by=by)


def assert_equal_to_one(name, devices, *, by="jit"):
    (found, start), (single, _) = parameters(name, devices, by=by), parameters(name, 1)
    moved = jax.tree.map(lambda one, first: float(abs(one - first).max()), single, start)
    assert max(jax.tree.leaves(moved)) > 1e-2, moved
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=1e-5), found, single)


ONE = "tests.train.one_of_several"
MORE = [pytest.param(4, marks=pytest.mark.slow), pytest.param(8, marks=pytest.mark.slow)]
SLOW = ("translation", "mean teacher")  # minutes on two busy cores


@pytest.mark.parametrize("devices", [2, *MORE])
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in METHODS],
)
def test_over_devices_every_method_is_what_it_is_on_one(name, devices):
    assert_equal_to_one(name, devices)


@pytest.mark.parametrize("devices", [4, 8])
def test_over_more_devices_it_is_what_it_is_on_one(devices):
    assert_equal_to_one("supervised", devices)


@pytest.mark.parametrize("devices", [2, *MORE])
@pytest.mark.parametrize("name", BY_PMAP)
def test_by_pmap_every_method_is_what_it_is_on_one(name, devices):
    assert_equal_to_one(name, devices, by="pmap")


def test_over_devices_a_run_goes_on_from_one_devices_checkpoint(tmp_path):
    regression.go_on(tmp_path, 10, None)
    _, found = regression.go_on(tmp_path, STEPS, data_mesh(jax.devices()[:4]))
    assert found.params["w"].devices() == {jax.devices()[0]}
    single = fit(
        regression.compiled_step(), regression.initial_state(), regression.Feed(), steps=STEPS
    )
    np.testing.assert_allclose(found.params["w"], single.params["w"], rtol=0, atol=1e-5)


def test_a_batch_that_the_devices_do_not_divide():
    three = data_mesh(jax.devices()[:3])
    message = re.escape("shape (8,) does not split into 3 equal shares along axis 0")
    with pytest.raises(ValueError, match=message):
        fit(
            regression.compiled_step(mesh=three),
            regression.initial_state(),
            regression.Feed(),
            steps=1,
            mesh=three,
        )
    step = regression.plain_step(axis_name="data")
    compiled = compile_step_by_pmap(step, regression.gather, devices=jax.devices()[:3])
    with pytest.raises(ValueError, match=message):
        fit(compiled, regression.initial_state(), regression.Feed(), steps=1)


def test_the_devices_of_a_call():
    assert Parallel().mesh is None
    assert Parallel(devices=2).mesh == data_mesh(jax.devices()[:2])
    assert Parallel(devices=0).mesh == data_mesh()
    with pytest.raises(ValueError, match="devices=99, and 8 cpu devices are here"):
        _ = Parallel(devices=99).mesh
    with pytest.raises(ValueError, match="process only together with distributed"):
        Parallel(process=1)
    with pytest.raises(ValueError, match="expected a number of devices"):
        Parallel(devices=-1)


def assert_processes_agree(folder):
    single = fit(
        regression.compiled_step(), regression.initial_state(), regression.Feed(), steps=STEPS
    )
    for process in range(2):
        found = np.load(folder / f"params-{process}.npz")
        for name in ("w", "b"):
            np.testing.assert_allclose(found[name], single.params[name], rtol=0, atol=1e-5)
        np.testing.assert_allclose(found["shared"], single.params["w"], rtol=0, atol=1e-5)


def test_two_processes_train_what_one_does_and_write_it_once(tmp_path):
    status, told = two_processes(ONE, tmp_path)
    assert status == [0, 0], told
    assert_processes_agree(tmp_path)
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == [f'{{"step": {n}' for n in (5, 10, 15, 20)]
    assert {path.parent.name for path in (tmp_path / "steps").glob("*/checksums.txt")} == {
        "15",
        "20",
    }
    assert [told[process].count("done") for process in range(2)] == [1, 0]
    assert ["run: step 20" in each for each in told] == [True, False]
    # Gloo connects a group of devices within 30 s or not at all, so all are connected at the start:
    # each of a process's two devices to its like and to all others. Gloo says so four times.
    for each in told:
        starting, training = (part.count("[Gloo] Rank") for part in each.split(STARTED))
        assert (starting, training) == (4, 0), each


@pytest.mark.parametrize(
    "names", [("dann",), pytest.param(METHODS, marks=pytest.mark.slow)], ids=["dann", "all"]
)
def test_two_processes_train_every_method_as_one_does(tmp_path, names):
    games = [
        (name, by) for name in names for by in ("jit", "pmap") if by == "jit" or name in BY_PMAP
    ]
    asked = [f"{name}:{by}" for name, by in games]
    status, told = two_processes("tests.train.games_of_several", tmp_path, *asked)
    assert status == [0, 0], told
    for name, by in games:
        single, _ = parameters(name, 1)
        for process in range(2):
            found = np.load(tmp_path / f"{name}-{by}-{process}.npz")
            for number, values in enumerate(jax.tree.leaves(single)):
                np.testing.assert_allclose(found[f"arr_{number}"], values, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_where_one_process_is_killed_the_other_says_so_and_the_run_goes_on(tmp_path):
    started = time.monotonic()
    status, told = two_processes(ONE, tmp_path, "12")
    assert time.monotonic() - started < 100
    assert status[1] == -9
    assert status[0] not in (0, -9)
    assert "another task died" in told[0]
    assert not (tmp_path / "result.json").exists()
    status, told = two_processes(ONE, tmp_path)
    assert status == [0, 0], told
    assert '"first": 0' not in (tmp_path / "result.json").read_text()
    assert_processes_agree(tmp_path)
