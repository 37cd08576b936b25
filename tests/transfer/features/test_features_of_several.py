"""Two processes of two devices each read every file once, and get what one process gets."""

from collections import Counter

import numpy as np
from PIL import Image

from tests.train.processes import two_processes
from tests.transfer import features_of_several as several


def test_two_processes_extract_probe_and_stream_what_one_does_and_decode_nothing_twice(tmp_path):
    (tmp_path / "images").mkdir()
    random = np.random.default_rng(1)
    names = [f"{number:02}.png" for number in range(several.COUNT)]
    for name in names:
        pixels = random.integers(0, 256, (several.SIDE, several.SIDE, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / name)
    alone = several.work(tmp_path, tmp_path / "alone", None)
    status, told = two_processes("tests.transfer.features_of_several", tmp_path)
    assert status == [0, 0], told
    found = []
    for process in range(2):
        with np.load(tmp_path / f"found-{process}.npz") as kept:
            found.append(dict(kept))
    for each in found:
        np.testing.assert_allclose(each["features"], alone["features"], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(each["probe"], alone["probe"], rtol=1e-4, atol=1e-5)
    for name in ("images", "labels"):
        both = np.concatenate([each[name] for each in found], axis=1)
        np.testing.assert_array_equal(both, alone[name])
    # Of every batch a process decodes its half; one batch more may be on the way at the end.
    half = several.STEPS * several.BATCH // 2
    for decoded in (
        [each["decoded_features"] for each in found],
        [each["decoded_stream"][:half] for each in found],
    ):
        assert [len(each) for each in decoded] == [12, 12]
        assert Counter(np.concatenate(decoded).tolist()) == Counter(names)
