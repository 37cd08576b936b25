"""The domains, and the pairs of them, written down before one of the others was run."""

from collections.abc import Mapping
from dataclasses import dataclass

from jtransfer.recipes.adaptation.development import DEVELOPMENT


@dataclass(frozen=True)
class Domain:
    """Where a domain's images come from.

    Attributes:
      train: name of the images to learn from, labelled as a source, unlabelled as a target.
      test: name of the set whose test split judges; of a folder, None, the images that are left.
      images: at most to take features of, of the train split; a cell draws its own from these.
      tested: likewise of the test split.
    """

    train: str
    test: str | None = None
    images: int = 3000
    tested: int = 2000

    @property
    def is_folder(self) -> bool:
        """Whether its images are files of many sizes."""
        return self.train.startswith("folder:")


DOMAINS: Mapping[str, Domain] = {
    "photo": Domain("folder:PACS/photo"),
    "art_painting": Domain("folder:PACS/art_painting"),
    "cartoon": Domain("folder:PACS/cartoon"),
    "sketch": Domain("folder:PACS/sketch"),
    "mnist": Domain("idx:mnist", "idx:mnist"),
    "mnist_m": Domain("synthetic:mnist_m", "npz:mnist_m_test"),
    "usps": Domain("npz:usps", "npz:usps"),
    "svhn": Domain("tiles:svhn10k", "tiles:svhn10k", tested=1500),
    "numbers": Domain("synthetic:numbers"),
    "cropped_numbers": Domain("synthetic:cropped_numbers", images=1500),
    "digits": Domain("sklearn:digits", "sklearn:digits", images=898, tested=899),
    "scene_digits": Domain("npz:scene_digits", "npz:scene_digits", images=445, tested=440),
    "signs": Domain("synthetic:signs", images=2150),
    "gtsrb": Domain("npz:gtsrb32", "npz:gtsrb32", images=2000, tested=1500),
}

_PHOTOGRAPHS = ("photo", "art_painting", "cartoon", "sketch")
_OTHERS = (
    *((a, b) for a in _PHOTOGRAPHS for b in _PHOTOGRAPHS if a != b and (a, b) not in DEVELOPMENT),
    ("numbers", "svhn"),
    ("svhn", "mnist"),
    ("cropped_numbers", "scene_digits"),
    ("signs", "gtsrb"),
    ("numbers", "mnist"),
    ("numbers", "usps"),
    ("numbers", "mnist_m"),
    ("mnist", "svhn"),
    ("mnist_m", "mnist"),
    ("mnist_m", "svhn"),
    ("svhn", "mnist_m"),
    ("svhn", "usps"),
    ("svhn", "scene_digits"),
    ("scene_digits", "svhn"),
)
PAIRS: tuple[tuple[str, str], ...] = (*DEVELOPMENT, *_OTHERS)
