"""Transfer learning in JAX and Flax: pure functions over parameter pytrees.

The public names stand in `__init__.pyi`, once; each is loaded when it is first used, so that
`import jtransfer` costs nothing (Scientific Python SPEC 1). `EAGER_IMPORT=1` loads them all.
"""

from typing import Any

import lazy_loader

__version__ = "0.2.0"

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    """Load a public name from the module it lives in; a misspelt one is answered."""
    if name in __all__ or name.startswith("__"):
        return _load(name)
    from difflib import get_close_matches

    close = get_close_matches(name, __all__, n=1)
    hint = f". Did you mean {close[0]!r}?" if close else ""
    raise AttributeError(f"module 'jtransfer' has no attribute {name!r}{hint}", name=name)
