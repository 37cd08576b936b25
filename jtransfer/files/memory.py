"""Sizes that a file claims are looked at before memory is taken for them; what was read may go."""

import mmap
import os
from typing import Any

_SMALL = 1 << 28  # bytes that are never refused: 256 MiB
_EXPANSION = 64  # times its size on disk that a larger file may take in memory


def memory_limit() -> int:
    """Bytes that one array may take: `JTRANSFER_MEMORY` in GiB, by default half of the machine's.

    Raises:
      ValueError: if `JTRANSFER_MEMORY` is no positive number.
    """
    said = os.environ.get("JTRANSFER_MEMORY")
    if not said:
        return _physical_memory() // 2
    try:
        limit = float(said) * 2**30
    except ValueError:
        limit = 0.0
    if not 0 < limit < 2**63:
        raise ValueError(
            f"JTRANSFER_MEMORY is {said!r}; expected a number of GiB above 0, such as 8. Set it "
            "right, or not at all"
        )
    return int(limit)


def require_memory(needed: int, what: str, *, error: type[Exception]) -> None:
    """Refuse what would take more memory than there may be, before it is taken.

    Args:
      needed: bytes.
      what: takes them, as the sentence's subject, such as "the similarities of 60,000 images".
      error: raised.
    """
    limit = memory_limit()
    if needed > limit:
        raise error(
            f"{what} would take {in_units(needed)} of memory; expected at most {in_units(limit)} "
            "(half of the machine's, or what JTRANSFER_MEMORY says in GiB). Take less of it, or "
            "allow more"
        )


def require_plausible(needed: int, on_disk: int, what: str, *, error: type[Exception]) -> None:
    """Refuse a file that claims far more than its size on disk could honestly hold.

    Data of every kind read here is packed into a twentieth of its size at the very best; a file of
    zeros into a thousandth. What takes up to 256 MiB is let through all the same.

    Args:
      needed: bytes that the file's header claims, or that unpacking it has given so far.
      on_disk: bytes of the file itself.
      what: the file, as the sentence's subject.
      error: raised.
    """
    if needed > max(_SMALL, _EXPANSION * on_disk):
        raise error(
            f"{what} claims {in_units(needed)} of data in {in_units(on_disk)} on disk; expected at "
            f"most {_EXPANSION} times its size, or {in_units(_SMALL)}. It is damaged, or made to "
            "fill memory: fetch it again from a place that you trust"
        )
    require_memory(needed, what, error=error)


def let_go(values: Any) -> None:
    """Take what was read of a mapped file out of this process's memory; it can be read again.

    Args:
      values: an array, of a mapped file or not; of one that may be written into nothing is taken,
        for the system would forget what was written into a private copy.
    """
    while values is not None and not isinstance(values, mmap.mmap):
        values = getattr(values, "base", None)
    if values is None or not hasattr(mmap, "MADV_DONTNEED"):  # Windows has it not
        return
    if memoryview(values).readonly:
        values.madvise(mmap.MADV_DONTNEED)


def in_units(count: int) -> str:
    """A number of bytes for people.

    >>> in_units(4_404_019), in_units(17), in_units(10**400)
    ('4.2 MiB', '17 bytes', 'over 1,024 PiB')
    """
    if count < 1024:
        return f"{count} bytes"
    if count > 2**60:  # shapes that files claim may be more than a float holds
        return "over 1,024 PiB"
    size, units = float(count), iter(("KiB", "MiB", "GiB", "TiB", "PiB"))
    unit = "bytes"
    while size >= 1024 and (larger := next(units, None)):
        size, unit = size / 1024, larger
    return f"{size:,.1f} {unit}"


def _physical_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return 8 * 2**30
