"""The images of a folder whose labels nobody is to read, in an order that tells of none."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.image_files import ImageFiles
from jtransfer.data.intake.image_folder import image_folder
from jtransfer.data.intake.walk import walk
from jtransfer.files.reading import open_regular, reading


@dataclass(frozen=True, eq=False)
class Unlabelled:
    """Images without labels.

    Attributes:
      files: as if of one class, in the order of their contents' hashes.
      names: of the same files, relative to their folder.
      fingerprint: sixteen hexadecimal digits that change with any content.
    """

    files: ImageFiles
    names: tuple[str, ...]
    fingerprint: str

    def __len__(self) -> int:
        """Number of images."""
        return len(self.names)


def unlabelled(folder: Path | str) -> Unlabelled:
    """List all images below a folder, or those of a csv, whatever classes they are said to be of.

    Their order, and with it everything that is drawn from them, depends on what the files hold and
    neither on their names nor on the folders that they lie in: those may be labels.

    Raises:
      DataError: if there is no image, or a file cannot be read.
    """
    path = Path(folder).expanduser().absolute()
    if path.is_file():
        found = image_folder(path)
        root, names = found.root, found.names
    else:
        root, names = path, tuple(str(name) for name in walk(path).images)
        if not names:
            raise DataError(
                f"{path} holds no image; expected the images to adapt to, in any folders below it. "
                "Name the folder that they are in"
            )
    expected, absent = f"every file of {path.name}", "Put it back, or list the files anew"
    digests = []
    for name in names:
        with (
            reading(root / name, expected, error=DataError, absent=absent),
            open_regular(root / name) as stream,
        ):
            digests.append(hashlib.file_digest(stream, "sha256").digest())
    order = sorted(range(len(names)), key=digests.__getitem__)
    return Unlabelled(
        ImageFiles(
            tuple(root / names[row] for row in order),
            np.zeros(len(names), np.int32),
            ("image",),
            f"folder:{root.name}",
        ),
        tuple(names[row] for row in order),
        hashlib.sha256(b"".join(digests[row] for row in order)).hexdigest()[:16],
    )
