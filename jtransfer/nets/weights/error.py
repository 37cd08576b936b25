"""The error of everything that reads weights, and names out of files as it says them."""


class WeightsError(ValueError):
    """Weights that cannot be used, and what to do about it."""


def readable(said: str, most: int = 120) -> str:
    r"""What a file says, for a message: in printable characters, and not too many of them.

    >>> readable("conv1.weight"), readable("a\x1b[31m")
    ('conv1.weight', 'a\\x1b[31m')
    """
    start = said[:most]
    printable = start if start.isprintable() else repr(start)[1:-1]
    return printable if len(said) <= most else f"{printable}..."
