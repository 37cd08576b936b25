"""What an audit finds of faults planted in real photographs."""

import hashlib

import numpy as np
import pytest

from jtransfer.data.image_files import ImageFiles
from jtransfer.data.intake.image_folder import image_folder
from jtransfer.recipes.audit.audit import TRUNK, audit
from jtransfer.recipes.features.deep_features import deep_features
from tests.recipes.audit.planted import Planted, plant, recalls

SEEDS = (0, 1, 2)


def planted_and_found(source, root, cache):
    """For each seed what was planted and the audit; features are taken once for all of them."""
    planted: list[Planted] = [plant(source, root / str(seed), seed) for seed in SEEDS]
    copies = [
        root / str(seed) / copy
        for seed, each in zip(SEEDS, planted, strict=True)
        for _, copy in each.duplicates
    ]
    paths = (*source.paths, *copies)
    every = ImageFiles(paths, np.zeros(len(paths), int), ("image",), "planted")
    taken = deep_features(TRUNK, every, layers=("top",), cache_folder=cache, workers=0)
    rows = {hashed(path): row for row, path in enumerate(paths)}

    def features(files: ImageFiles) -> np.ndarray:
        return taken.layers["top"][[rows[hashed(path)] for path in files.paths]]

    for seed, each in zip(SEEDS, planted, strict=True):
        yield each, audit(root / str(seed), features=features)


def hashed(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.slow
def test_faults_planted_in_photographs_are_found(data_root, tmp_path):
    places = [data_root / name / "photo" for name in ("PACS", "pacs")]  # as published, or not
    photographs = next((each for each in places if each.is_dir()), None)
    if photographs is None:
        pytest.skip("needs PACS in the data root, as PACS/photo/<class>/")
    source = image_folder(photographs)
    for planted, found in planted_and_found(source, tmp_path, tmp_path / "cache"):
        measured = recalls(found, planted)
        print(measured)
        assert measured["wrong labels"] >= 0.8
        assert measured["duplicates"] == measured["damaged"] == 1
