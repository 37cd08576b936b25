"""The error of everything that reads weights, and names out of files as it says them."""

_LONGEST = 120


class WeightsError(ValueError):
    """Weights that cannot be used, and what to do about it."""


def readable(name: str) -> str:
    r"""A name out of a file, for a message: of printable characters, and not too many of them.

    >>> readable("conv1.weight"), readable("a\x1b[31m")
    ('conv1.weight', 'a\\x1b[31m')
    """
    text = name[:_LONGEST]
    said = text if text.isprintable() else repr(text)[1:-1]
    return said if len(name) <= _LONGEST else f"{said}..."
