"""torchvision, for rivals and oracles, also where its own operations do not load."""

from importlib import import_module
from types import ModuleType
from typing import Any

_KEPT: list[Any] = []  # whose operations go with them


def torchvision() -> ModuleType:
    """torchvision, without its own operations where they do not load.

    These are built for one PyTorch each, such as the one for CUDA, and no net needs them; but
    importing torchvision (as timm does) asks for two of them by name.

    Raises:
      ImportError: if it, or PyTorch, is not installed.
    """
    torch = import_module("torch")
    try:
        return import_module("torchvision")
    except RuntimeError:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
        _KEPT.append(library)
        return import_module("torchvision")
