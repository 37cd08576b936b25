"""How many images may be drawn."""

from jtransfer.data.examples import DataError
from jtransfer.files.memory import require_memory


def require_drawable(size: int, what: str, *, side: int) -> None:
    """Refuse to draw no image, or more than fit in memory, before any is drawn.

    Args:
      size: how many are asked for.
      what: they are, such as "drawn signs".
      side: of each in pixels, of three colours.

    Raises:
      DataError: if the number is below 1 or too large.
    """
    if size < 1:
        raise DataError(f"asked for {size} {what}; expected 1 or more")
    require_memory(3 * side**2 * size, f"{size:,} {what}", error=DataError)
