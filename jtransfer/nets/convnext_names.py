"""What the modules of ConvNeXt are called where its weights are published."""

from typing import Literal

import numpy as np

from jtransfer.nets.convnext import Shape, Size, convnext_shape
from jtransfer.nets.weights.layouts import AS_IT_IS, Layout
from jtransfer.nets.weights.torch_layout import Path, Place, TorchNames

Publisher = Literal["timm", "torchvision"]

_TIMM_BLOCK = {
    "conv_dw": "depthwise",
    "norm": "norm",
    "mlp.fc1": "expand",
    "mlp.fc2": "project",
}
_TORCHVISION_BLOCK = {
    "block.0": "depthwise",
    "block.2": "norm",
    "block.3": "expand",
    "block.5": "project",
}


def _of_pixels(gamma: np.ndarray) -> np.ndarray:
    return gamma[:, 0, 0] if gamma.shape[1:] == (1, 1) else gamma


# Of torchvision's layer scale, [channels, 1, 1].
_FOR_PIXELS = Layout(_of_pixels, lambda gamma: gamma[:, None, None])


def convnext_names(size: Size | Shape, *, publisher: Publisher = "timm") -> TorchNames:
    """What a publisher calls the modules of the net.

    Args:
      size: as of `convnext`.
      publisher: "timm" or "torchvision".

    Raises:
      ValueError: if there is no net of that size, or no such publisher.
    """
    if publisher not in ("timm", "torchvision"):
        raise ValueError(f"publisher={publisher!r}; expected 'timm' or 'torchvision'")
    by_timm = publisher == "timm"
    in_a_block = _TIMM_BLOCK if by_timm else _TORCHVISION_BLOCK
    stem = ("stem.0", "stem.1") if by_timm else ("features.0.0", "features.0.1")
    modules: dict[str, Path] = {stem[0]: ("stem", "conv"), stem[1]: ("stem", "norm")}
    entries: dict[str, Place] = {}
    for number, blocks in enumerate(convnext_shape(size).blocks):
        stage = f"stage{number + 1}"
        if number > 0:
            before = f"stages.{number}.downsample" if by_timm else f"features.{2 * number}"
            modules[f"{before}.0"] = (stage, "downsample_norm")
            modules[f"{before}.1"] = (stage, "downsample")
        for block in range(blocks):
            ours = (stage, f"block{block + 1}")
            if by_timm:
                theirs = f"stages.{number}.blocks.{block}"
                gamma, layout = f"{theirs}.gamma", AS_IT_IS
            else:
                theirs = f"features.{2 * number + 1}.{block}"
                gamma, layout = f"{theirs}.layer_scale", _FOR_PIXELS
            modules |= {f"{theirs}.{module}": (*ours, leaf) for module, leaf in in_a_block.items()}
            entries[gamma] = Place((("params", *ours, "gamma"),), layout)
    head = ("head.norm", "head.fc") if by_timm else ("classifier.0", "classifier.2")
    modules |= {head[0]: ("pool", "norm"), head[1]: ("fc",)}
    return TorchNames(modules, entries=entries)
