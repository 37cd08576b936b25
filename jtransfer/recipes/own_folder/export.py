"""A model for other programs: StableHLO that carries its weights, or weights under other names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jax import export as jax_export

from jtransfer.files.reading import is_there
from jtransfer.files.writing import write_bytes
from jtransfer.nets.stablehlo import to_stablehlo
from jtransfer.nets.weights.pretrained import published_weights
from jtransfer.nets.weights.publishing import to_published
from jtransfer.nets.weights.safetensors import read_safetensors
from jtransfer.nets.weights.torch_layout import TorchNames, place_weights
from jtransfer.recipes.own_folder.model import Model
from jtransfer.recipes.own_folder.model_folder import ModelError, packed

Format = Literal["stablehlo", "safetensors", "timm"]

SUFFIXES: Mapping[str, str] = {
    "stablehlo": ".stablehlo",
    "safetensors": ".safetensors",
    "timm": ".timm.safetensors",
}
# Of probabilities: what another order of the same float32 sums may change.
_CLOSE = 1e-4
_COMPARED = 3  # images, a batch size that nothing was traced with


def export(model: Model, to: Format, path: Path | str) -> Path:
    """Write a model for other programs, and read it back before saying that it is there.

    - "stablehlo": what `jax.export.deserialize` takes, for CPU, CUDA and TPU, of any batch size:
      from [batch, size, size, 3] uint8 images to [batch, classes] probabilities. Normalisation is
      inside; scaling and cutting (`model.trunk.crop`) are not.
    - "safetensors": all weights under the names of this library.
    - "timm": the trunk under timm's names where the catalogue knows them (`timm_names`), else under
      its publisher's, with the probe as `probe.weight` and `probe.bias`. The probe reads the
      layer's average over the pixels divided by its length.

    Args:
      model: to be exported.
      to: which of these.
      path: of the file, which must not be there.

    Raises:
      ModelError: if the file is there, or what was read back differs.
      WeightsError: if the trunk's publisher has no names for its weights.
      ValueError: for another format.
      OSError: if the file cannot be written.
    """
    if to not in get_args(Format):
        raise ValueError(f"no format {to!r}; expected one of {', '.join(get_args(Format))}")
    path = Path(path).expanduser()
    if is_there(path):
        raise ModelError(
            f"{path} is there already; expected a new file. Choose another, or remove it"
        )
    if to == "stablehlo":
        content = stablehlo(model)
        _compare(model, content)
    elif to == "safetensors":
        content = packed(model)
        _require_same(_unpacked(content), model.arrays)
    else:
        content = _for_timm(model)
        _require_same(_from_timm(content, model), model.arrays)
    write_bytes(path, content)
    return path


def stablehlo(model: Model) -> bytes:
    """The model's program with its weights, serialised by `jax.export`."""
    arrays = jax.tree.map(jnp.asarray, model.arrays)

    def probabilities(pixels: jax.Array) -> jax.Array:
        return model.apply(arrays, pixels)[0]

    size = model.trunk.preprocessing.size
    return to_stablehlo(probabilities, jax.ShapeDtypeStruct((1, size, size, 3), jnp.uint8))


def _compare(model: Model, content: bytes) -> None:
    """Run what was written, on images of noise, beside the model."""
    size = model.trunk.preprocessing.size
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (_COMPARED, size, size, 3), np.uint8)
    found = np.asarray(jax_export.deserialize(bytearray(content)).call(pixels))
    expected = np.asarray(model.apply(model.arrays, jnp.asarray(pixels))[0])
    apart = float(np.abs(found - expected).max())
    if not apart <= _CLOSE:
        raise ModelError(
            f"the exported program's probabilities differ by {apart:.1e} from the model's; "
            f"expected at most {_CLOSE:g}. Nothing was written: report this as a fault"
        )


def _require_same(found: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    """Compare weights that were read back with the model's, bit by bit."""
    there, expected = _flat(found), _flat(arrays)
    differing = sorted(
        name
        for name in there.keys() | expected.keys()
        if name not in there
        or name not in expected
        or not np.array_equal(there[name], expected[name])
    )
    if differing:
        raise ModelError(
            f"of the exported weights {', '.join(differing[:3])}{', ...' if differing[3:] else ''} "
            "differ from the model's; expected all to be the same. Nothing was written: report "
            "this as a fault"
        )


def _flat(arrays: Mapping[str, Any]) -> dict[str, np.ndarray]:
    leaves: Any = flatten_dict(jax.device_get(dict(arrays)), sep="/")
    return {name: np.asarray(leaf) for name, leaf in leaves.items()}


def _unpacked(content: bytes) -> dict[str, Any]:
    """The arrays of `packed`, but for features that were kept."""
    arrays = unflatten_dict(dict(read_safetensors(content, "the export")), sep="/")
    return {name: tree for name, tree in arrays.items() if name != "kept"}


def _from_timm(content: bytes, model: Model) -> dict[str, Any]:
    """The arrays of `_for_timm` in the places that published weights are put into."""
    arrays = dict(read_safetensors(content, "the export"))
    probe = {"weights": arrays.pop("probe.weight").T, "bias": arrays.pop("probe.bias")}
    trunk = model.arrays["trunk"]
    names = _timm_names(model)
    return {
        "trunk": place_weights(arrays, names, trunk, net=model.trunk.name, source="the export"),
        "probe": probe,
    }


def _timm_names(model: Model) -> TorchNames:
    published = published_weights(model.trunk.name)
    return published.timm_names or published.names


def _for_timm(model: Model) -> bytes:
    from safetensors.numpy import save

    names = _timm_names(model)
    arrays: dict[str, Any] = dict(to_published(model.arrays["trunk"], names))
    arrays["probe.weight"] = np.ascontiguousarray(np.asarray(model.probe.weights).T)
    arrays["probe.bias"] = np.asarray(model.probe.bias)
    return save(arrays, metadata={"format": "pt"})
