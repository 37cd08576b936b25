"""A model as a folder: `model.json`, `weights.safetensors` and `report.html`.

Nothing in it is executed: the net is looked up by its name among the library's own, and the weights
are numbers whose names, shapes and hash are checked.
"""

import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args
from uuid import uuid4

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from jtransfer.files.reading import is_there, read_bytes, reading
from jtransfer.files.writing import write_bytes, write_text
from jtransfer.nets.weights.error import WeightsError
from jtransfer.nets.weights.preprocessing import Interpolation, Preprocessing
from jtransfer.nets.weights.safetensors import read_safetensors
from jtransfer.recipes.own_folder.frozen_trunk import FrozenTrunk, trunk_net
from jtransfer.recipes.own_folder.model import KeptFeatures, Model
from jtransfer.transfer.features.probe import LinearProbe

DESCRIPTION, WEIGHTS, REPORT = "model.json", "weights.safetensors", "report.html"
_FORMAT = 1
_OWN = ("format", "net", "layer", "unit_length", "classes", "preprocessing", "temperature")
_OWN += ("threshold", "weights_sha256", "published_sha256", "kept")


class ModelError(ValueError):
    """A model's folder that cannot be written or read, and what to do about it."""


def save_model(
    model: Model,
    folder: Path | str,
    *,
    report: str | None = None,
    tables: Mapping[str, bytes] = MappingProxyType({}),
) -> Path:
    """Write a model's folder: whole or not at all, and never over what is there.

    Args:
      model: to be written.
      folder: of the model, which must not be there, or be empty.
      report: the page of html, if there is one.
      tables: other files that lie beside it, by their names.

    Raises:
      ModelError: if the folder is there, or cannot be written.
    """
    folder = Path(folder).expanduser()
    require_free(folder)
    weights = packed(model)
    about = {
        "format": _FORMAT,
        "net": model.trunk.name,
        "layer": model.layer,
        "unit_length": model.unit_length,
        "classes": list(model.classes),
        "preprocessing": asdict(model.trunk.preprocessing),
        "temperature": model.temperature,
        "threshold": model.threshold,
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "published_sha256": model.trunk.sha256,
        "kept": None if model.kept is None else list(model.kept.names),
        **model.about,
    }
    text = json.dumps(about, indent=2, ensure_ascii=False, allow_nan=False)
    with _new_folder(folder) as unfinished:
        write_bytes(unfinished / WEIGHTS, weights)
        if report is not None:
            write_text(unfinished / REPORT, report)
        for name, content in tables.items():
            write_bytes(unfinished / name, content)
        write_text(unfinished / DESCRIPTION, text + "\n")
    return folder


def require_free(folder: Path) -> None:
    """Check that a model can be put there.

    Raises:
      ModelError: if there is a file, or a folder that is not empty.
    """
    if not is_there(folder) or (folder.is_dir() and not any(folder.iterdir())):
        return
    what = "holds a model already" if (folder / DESCRIPTION).exists() else "is there already"
    raise ModelError(
        f"{folder} {what}; expected a new folder, since nothing is overwritten. Choose another "
        "one, or remove this one"
    )


def made_before(folder: Path, settings: Mapping[str, Any]) -> Model | None:
    """The model that an earlier call with these settings left, or None where the place is free.

    Raises:
      ModelError: if something else is there, or the model cannot be read.
    """
    if (folder / DESCRIPTION).exists():
        made = load_model(folder)
        if made.about.get("settings") == settings:
            return made
    require_free(folder)
    return None


def load_model(folder: Path | str) -> Model:
    """Read a model's folder; needs neither its images nor a network, and executes nothing.

    Args:
      folder: that `fit` or `save_model` wrote.

    Raises:
      ModelError: if it is no such folder, or is incomplete, damaged, or of a later version.
    """
    folder = Path(folder).expanduser()
    file = folder / DESCRIPTION
    remedy = "Copy the whole folder again from where it was made"
    expected = "the description of a model, as `jtransfer fit` writes it"
    with reading(
        file,
        expected,
        error=ModelError,
        absent="Name the folder of a model, which `jtransfer fit` makes",
        damaged=remedy,
    ):
        about = json.loads(read_bytes(file))
        if not isinstance(about, dict):
            raise ValueError("it is no JSON object")
        if about.get("format") != _FORMAT:
            raise ModelError(
                f"{file} is of format {about.get('format')!r}; expected {_FORMAT}. Update "
                "jtransfer, or name the description of a model"
            )
        said = _Description(about)
    path = folder / WEIGHTS
    with reading(path, "the model's weights", error=ModelError, absent=remedy, damaged=remedy):
        content = read_bytes(path)
        found = hashlib.sha256(content).hexdigest()
        if found != said.text("weights_sha256"):
            raise ModelError(
                f"{path} has the SHA-256 {found}, expected {said.text('weights_sha256')} by "
                f"{DESCRIPTION}: they do not belong together. {remedy}"
            )
        try:
            tensors = read_safetensors(content, str(path))
        except WeightsError as error:
            raise ModelError(str(error)) from error
    return _assembled(said, tensors, str(path))


class _Description:
    """What `model.json` says, each value of the kind that it should be."""

    def __init__(self, about: Mapping[str, Any]):
        self.about = about

    def text(self, name: str) -> str:
        return self._is(name, str)

    def number(self, name: str) -> float:
        value = self.about.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{name!r} is {value!r}, no number")
        if not math.isfinite(value):
            raise ValueError(f"{name!r} is {value!r}, not finite")
        return float(value)

    def names(self, name: str) -> tuple[str, ...]:
        values = self._is(name, list)
        if not all(isinstance(each, str) for each in values):
            raise ValueError(f"{name!r} holds more than names")
        return tuple(values)

    def _is(self, name: str, kind: type) -> Any:
        value = self.about.get(name)
        if not isinstance(value, kind):
            raise ValueError(f"{name!r} is {value!r:.80}, no {kind.__name__}")
        return value

    @property
    def preprocessing(self) -> Preprocessing:
        given = self._is("preprocessing", dict)
        inner = _Description(given)
        size, share = inner.number("size"), inner.number("share")
        if not (1 <= size <= 4096 and size == int(size) and 0.1 <= share <= 1):
            raise ValueError(f"a crop of {size} pixels, {share} of the image, is out of range")
        interpolation: Any = inner.text("interpolation")
        if interpolation not in get_args(Interpolation):
            raise ValueError(f"the interpolation {interpolation!r} is unknown")
        triples = []
        for name in ("mean", "std"):
            three = inner._is(name, list)
            if len(three) != 3 or not all(
                isinstance(each, float | int) and math.isfinite(each) for each in three
            ):
                raise ValueError(f"{name!r} is {three!r}, not three numbers")
            triples.append(tuple(float(each) for each in three))
        if min(triples[1]) <= 0:
            raise ValueError(f"'std' is {triples[1]}, not above 0")
        return Preprocessing(int(size), share, interpolation, *triples)


def _assembled(said: _Description, tensors: Mapping[str, np.ndarray], source: str) -> Model:
    """The model, where names and shapes of the weights are those of the net."""
    try:
        net, layer = trunk_net(said.text("net")), said.text("layer")
        classes, preprocessing = said.names("classes"), said.preprocessing
        temperature, threshold = said.number("temperature"), said.number("threshold")
        if temperature <= 0 or len(classes) < 2 or layer not in net.stage_names:
            raise ValueError(
                f"temperature {temperature}, {len(classes)} classes or layer {layer!r} is out of "
                f"range"
            )
        unit_length = said._is("unit_length", bool)
        published, kept_names = said.text("published_sha256"), said.about.get("kept")
        if kept_names is not None:
            kept_names = said.names("kept")
    except ValueError as error:
        raise ModelError(
            f"{Path(source).with_name(DESCRIPTION)} cannot be used: {error}. Copy the whole folder "
            "again from where it was made, or fit the model again"
        ) from error
    blank = jnp.zeros((1, preprocessing.size, preprocessing.size, 3))
    shapes: Any = jax.eval_shape(partial(net.init, until=layer), jax.random.key(0), blank)
    leaves: Any = flatten_dict(shapes, sep="/")
    expected = {f"trunk/{name}": leaf.shape for name, leaf in leaves.items()}
    channels = next(iter(tensors["probe/weights"].shape), 0) if "probe/weights" in tensors else 0
    expected |= {"probe/weights": (channels, len(classes)), "probe/bias": (len(classes),)}
    if kept_names is not None:
        expected["kept/features"] = (len(kept_names), channels)
    found = {name: tensor.shape for name, tensor in tensors.items()}
    if found != expected:
        differing = sorted(
            name for name in found.keys() | expected if found.get(name) != expected.get(name)
        )
        raise ModelError(
            f"{source} does not fit {said.text('net')} up to {layer}: {', '.join(differing[:3])}"
            f"{', ...' if differing[3:] else ''}; expected the weights that {DESCRIPTION} means. "
            "Copy the whole folder again from where it was made"
        )
    trunk = {
        name.removeprefix("trunk/"): value
        for name, value in tensors.items()
        if name.startswith("trunk/")
    }
    return Model(
        classes=classes,
        trunk=FrozenTrunk(
            said.text("net"), net, unflatten_dict(trunk, sep="/"), preprocessing, published
        ).until(layer),
        layer=layer,
        unit_length=unit_length,
        probe=LinearProbe(
            jnp.asarray(tensors["probe/weights"]),
            jnp.asarray(tensors["probe/bias"]),
            jnp.zeros(()),
        ),
        temperature=temperature,
        threshold=threshold,
        about={name: value for name, value in said.about.items() if name not in _OWN},
        kept=None if kept_names is None else KeptFeatures(kept_names, tensors["kept/features"]),
    )


def packed(model: Model) -> bytes:
    """All arrays of a model as safetensors, by their paths."""
    from safetensors.numpy import save

    arrays: dict[str, Any] = dict(model.arrays)
    if model.kept is not None:
        arrays["kept"] = {"features": model.kept.features}
    flat = flatten_dict(jax.device_get(arrays), sep="/")
    return save({name: np.ascontiguousarray(value) for name, value in flat.items()})


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """A folder that gets its name when the block has filled it."""
    unfinished = folder.with_name(f".{folder.name}.{uuid4().hex[:12]}.unfinished")
    try:
        unfinished.mkdir(parents=True)
        yield unfinished
        if folder.exists():
            folder.rmdir()  # an empty one; whatever has come into it meanwhile stops this
        os.rename(unfinished, folder)
    except OSError as error:
        raise ModelError(
            f"{folder} cannot be written ({error.strerror or error}); expected a place for a new "
            "folder. See to the disk or the permissions, or choose another place"
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
