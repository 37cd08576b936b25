"""PyTorch as a rival: its names in the tables, whether it is there, and torchvision with it."""

from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from types import ModuleType
from typing import Any

PYTORCH, KEEPING = "PyTorch", "PyTorch, keeping freed memory"
_KEPT: list[Any] = []  # whose operations go with them


def has_torch() -> bool:
    """Whether PyTorch is installed."""
    return find_spec("torch") is not None


def torch_version() -> dict[str, str]:
    """PyTorch's version, if it is installed."""
    return {"torch": version("torch")} if has_torch() else {}


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
