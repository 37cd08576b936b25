"""PyTorch as a rival: its names in the tables, and whether it is there."""

from importlib.metadata import version
from importlib.util import find_spec

PYTORCH, KEEPING = "PyTorch", "PyTorch, keeping freed memory"


def has_torch() -> bool:
    """Whether PyTorch is installed."""
    return find_spec("torch") is not None


def torch_version() -> dict[str, str]:
    """PyTorch's version, if it is installed."""
    return {"torch": version("torch")} if has_torch() else {}
