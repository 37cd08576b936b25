"""The table of the trunks that published weights are known for."""

from dataclasses import dataclass
from pathlib import Path

from jtransfer.nets.weights.catalogue.table import PRETRAINED
from jtransfer.nets.weights.download import cache_folder as default_cache_folder

_HEADINGS = ("name", "parameters", "GFLOP", "pixels", "top-1", "licence", "at hand", "from")


@dataclass(frozen=True)
class TrunkRow:
    """What is known of one set of published weights.

    Attributes:
      name: for `pretrained`.
      parameters: of the whole net.
      gflop: of one image in 1e9 operations, a multiplication and an addition each counted.
      size: side of its images in pixels.
      top1: share of ImageNet's validation images that it is right on, as the publisher says; None
        where it says none.
      licence: of the weights.
      publisher: who published them, under which name.
      at_hand: whether they are on this machine, so that nothing must be fetched.
      get: the command that gets them; `pretrained` fetches what it can by itself.
    """

    name: str
    parameters: int
    gflop: float
    size: int
    top1: float | None
    licence: str
    publisher: str
    at_hand: bool
    get: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as it is printed."""
        return (
            self.name,
            f"{self.parameters / 1e6:.1f} M",
            f"{self.gflop:.1f}",
            str(self.size),
            "-" if self.top1 is None else f"{self.top1:.3f}".removeprefix("0"),
            self.licence,
            "yes" if self.at_hand else "no",
            self.publisher,
        )


class TrunkTable(tuple[TrunkRow, ...]):
    """Rows that print as a table."""

    def __str__(self) -> str:
        rows = [_HEADINGS, *(row.cells for row in self)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        right = {1, 2, 3, 4}  # numbers
        return "\n".join(
            "  ".join(
                cell.rjust(width) if column in right else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        )

    __repr__ = __str__


def trunks(*, cache_folder: Path | str | None = None) -> TrunkTable:
    """The trunks that `pretrained` knows, in the order of families and sizes.

    >>> [row.name for row in trunks() if row.at_hand and row.parameters < 5e6]
    ['efficientnet_lite0']

    Args:
      cache_folder: where downloads are kept; by default `JTRANSFER_CACHE` or `~/.cache/jtransfer`.
    """
    folder = Path(cache_folder or default_cache_folder()).expanduser()
    return TrunkTable(
        TrunkRow(
            name,
            entry.parameters,
            entry.gflop,
            entry.preprocessing.size,
            entry.top1,
            entry.licence,
            entry.publisher,
            any(origin.at_hand(folder) for origin in entry.origins),
            entry.origins[0].get(),
        )
        for name, entry in PRETRAINED.items()
    )
