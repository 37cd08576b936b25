"""Write a model for other programs.

    jtransfer export pets-model --to stablehlo     # pets-model.stablehlo, for jax.export

stablehlo: a program with its weights, for CPU, CUDA and TPU and any number of images, from uint8
[batch, size, size, 3] to probabilities. safetensors: the weights by this library's names. timm: the
trunk by its publisher's names, and the probe.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True)
class Config:
    """Settings of `jtransfer export`."""

    # Folder of the model, from `jtransfer fit` or `jtransfer adapt`.
    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    # The form to write it in.
    to: Literal["stablehlo", "safetensors", "timm"] = "stablehlo"
    # File to write; must not exist yet. By default it lies beside the model and is named as it is.
    out: Path | None = None


def main(config: Config) -> None:
    """Export, and say what takes it."""
    from jtransfer.recipes.own_folder.export import SUFFIXES, export
    from jtransfer.recipes.own_folder.model_folder import load_model

    model = load_model(config.model)
    here = config.model.resolve()
    out = config.out or here.with_name(here.name + SUFFIXES[config.to])
    export(model, config.to, out)
    print(f"{out} was written, read back and compared")
    crop = model.trunk.crop
    if config.to == "stablehlo":
        print(
            f"Scale the shorter side to {crop.resize} pixels, cut out the middle "
            f"{crop.size} x {crop.size}, and\n"
            f"  jax.export.deserialize(bytearray(open({str(out)!r}, 'rb').read())).call(pixels)"
        )
