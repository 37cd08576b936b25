"""Weights at an address of the web."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from jtransfer.nets.weights.download import download


@dataclass(frozen=True)
class Address:
    """A file at an address, downloaded once.

    Attributes:
      url: of http or https.
      sha256: of the file, in hexadecimal; all digits or at least the first eight.
    """

    url: str
    sha256: str

    def __str__(self) -> str:
        return self.url

    def at_hand(self, cache_folder: Path) -> bool:
        """Whether it was downloaded."""
        return (cache_folder / PurePosixPath(urlsplit(self.url).path).name).is_file()

    def fetch(self, cache_folder: Path) -> Path:
        """The file's path, after it has been downloaded if need be.

        Raises:
          WeightsError: as `download`.
        """
        return download(self.url, cache_folder, sha256=self.sha256)

    def get(self) -> str:
        """The command that gets the weights."""
        return f"curl -LO {self.url}"
