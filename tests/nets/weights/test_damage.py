"""Damaged files of weights are read or refused in a sentence; nothing else happens."""

import io
import sys
from argparse import Namespace
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
import safetensors.numpy
from flax.traverse_util import unflatten_dict

from jtransfer.nets.weights.catalogue.table import PRETRAINED
from jtransfer.nets.weights.error import WeightsError
from jtransfer.nets.weights.pretrained import load_pretrained
from jtransfer.nets.weights.torch_layout import TorchNames
from tests.files.damage import survive
from tests.nets.weight_files import attacks

NAMES = TorchNames({"conv": ("conv1",), "bn": ("conv1", "norm"), "fc": ("fc",)})
SHAPES = {
    "conv.weight": (4, 3, 3, 3),
    "conv.bias": (4,),
    "bn.weight": (4,),
    "bn.bias": (4,),
    "bn.running_mean": (4,),
    "bn.running_var": (4,),
    "fc.weight": (5, 4),
    "fc.bias": (5,),
}
# What running something would be seen by; reading an intact file does none of it.
RUNS = (
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "subprocess.Popen",
    "pickle.find_class",
)


def arrays() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {name: random.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}


def torch_file(new: bool, more: Any = None) -> bytes:
    torch = pytest.importorskip("torch")
    state = {f"module.{name}": torch.from_numpy(array) for name, array in arrays().items()}
    state["module.bn.num_batches_tracked"] = torch.tensor(3)
    saved = {"epoch": 3, "args": Namespace(lr=0.1), "state_dict": state, "more": more}
    stream = io.BytesIO()
    torch.save(saved, stream, _use_new_zipfile_serialization=new)
    return stream.getvalue()


def load(file: Path, content: bytes, *, exactly: bool = False) -> None:
    """Read a file as users do, in a process that is watched."""
    if "toy" not in PRETRAINED:
        sys.addaudithook(watch)
        PRETRAINED["toy"] = replace(PRETRAINED["alexnet_2014"], names=NAMES, origins=())
    file.write_bytes(content)
    places, leaves = NAMES.places(), {}
    for name, array in arrays().items():
        leaves.update(zip(places[name].paths, places[name].leaves(array) or (), strict=True))
    template = unflatten_dict(leaves)
    loaded = load_pretrained("toy", template, path=file).variables
    if exactly:
        jax.tree.map(np.testing.assert_array_equal, loaded, template)


def watch(event: str, _: tuple) -> None:
    if event in RUNS:
        raise RuntimeError(f"a file of weights made {event} happen")


def load_attack(file: Path, content: bytes) -> None:
    try:
        load(file, content)
    except WeightsError:
        return


KINDS = {
    "zip": partial(torch_file, new=True),
    "legacy": partial(torch_file, new=False),
    "safetensors": lambda: safetensors.numpy.save(arrays()),
}


@pytest.mark.parametrize("count", [60, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", KINDS)
def test_damaged_weights(tmp_path, kind, count):
    # A zip archive has checksums: what is read of it is right. The other formats have none, and a
    # flipped number is a number too.
    read = partial(load, tmp_path / "net", exactly=kind == "zip")
    tally = survive(read, KINDS[kind](), count, error=WeightsError)
    print(kind, tally)
    assert not tally.faults
    assert tally.read + tally.refused == count
    assert tally.refused > count / 2


@pytest.mark.parametrize("count", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_damaged_attacks(tmp_path, count):
    """What an attack becomes by damage runs as little as it did."""
    marker = tmp_path / "ran"
    weapons = [weapon for weapon, _ in attacks(marker).values()]
    content = torch_file(new=False, more=weapons)
    tally = survive(partial(load_attack, tmp_path / "net"), content, count, error=WeightsError)
    print("attacks", tally)
    assert not tally.faults
    assert not marker.exists()
