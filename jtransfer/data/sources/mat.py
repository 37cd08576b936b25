"""The cropped digits of Street View House Numbers as they are published: MATLAB files."""

from pathlib import Path

import numpy as np

from jtransfer.data.examples import DataError, Examples
from jtransfer.data.sources.matlab import MATLAB, read_matlab
from jtransfer.files.reading import reading


def load_mat(what: str, split: str, root: Path) -> Examples:
    """Read `<root>/<what>/{train,test}_32x32.mat` (Netzer et al. 2011): 73,257 + 26,032 digits.

    Args:
      what: name of the folder, such as `svhn`.
      split: "train" or "test".
      root: the data root.

    Returns:
      Images [n, 32, 32, 3] with classes "0" to "9"; the files write 10 for a zero.

    Raises:
      DataError: if the file is missing, truncated, or no file of that kind.
    """
    file = root / what / f"{split}_32x32.mat"
    absent = (
        "SVHN's cropped digits are at http://ufldl.stanford.edu/housenumbers: put them there, or "
        "name the right data root by --data-root or JTRANSFER_DATA"
    )
    expected = "a whole MATLAB file of version 5"
    with reading(file, expected, error=DataError, kinds=(MATLAB,), absent=absent):
        content = read_matlab(file, ("X", "y"))
    missing = [name for name in ("X", "y") if name not in content]
    if missing:
        raise DataError(
            f"{file} has no {' and no '.join(missing)}; expected X [32, 32, 3, n] and y [n, 1] as "
            "in SVHN's format 2, the cropped digits. Fetch train_32x32.mat and test_32x32.mat"
        )
    images, labels = content["X"], content["y"]
    if not (isinstance(images, np.ndarray) and isinstance(labels, np.ndarray)):
        raise DataError(
            f"{file}: X or y is text or cells; expected numbers. It is another file: fetch SVHN's "
            "again"
        )
    if images.ndim != 4 or images.shape[2] != 3 or images.dtype != np.uint8:
        raise DataError(
            f"{file}: X is {images.dtype} of shape {images.shape}; expected uint8 [32, 32, 3, n]. "
            "It is another file: fetch SVHN's again"
        )
    labels = labels.reshape(-1)
    if not np.isin(labels, range(1, 11)).all():
        raise DataError(
            f"{file}: y holds {np.setdiff1d(labels, range(1, 11))[:3].tolist()}; expected 1 to 10, "
            "10 for a zero. It is another file: fetch SVHN's again"
        )
    classes = tuple(str(digit) for digit in range(10))
    pixels = np.ascontiguousarray(images.transpose(3, 0, 1, 2))
    return Examples(pixels, labels.astype(np.int32) % 10, classes, f"mat:{what}")
