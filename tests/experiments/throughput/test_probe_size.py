import json

import numpy as np
import pytest

from experiments.throughput.probe_size import Config, main, written
from experiments.throughput.tables import probe_size


def test_a_file_holds_features_of_length_one_a_class_after_the_other(tmp_path):
    features, labels = written(Config(dims=64, classes=2), 10, tmp_path / "features.npy")
    assert isinstance(features, np.memmap)
    assert features.dtype == np.float16
    np.testing.assert_array_equal(labels, [0] * 5 + [1] * 5)
    np.testing.assert_allclose(np.linalg.norm(features.astype(float), axis=1), 1, atol=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("folds", "on_disk"), [(2, False), (1, True)])
def test_a_small_benchmark_writes_its_numbers(tmp_path, folds, on_disk):
    config = Config((100, 200), 24, 4, folds, (0.1, 1.0), on_disk=on_disk, out=tmp_path)
    result = main(config)
    where = "disk" if on_disk else "memory"
    assert json.loads((tmp_path / f"{where}_100-200x24.json").read_text()) == result
    assert set(result["exponents"]) == {"svm", "softmax"}
    text = probe_size([result])
    assert text.count("\n| 200 |") == 2
    assert ("one split" in text) == (folds == 1)
    assert probe_size([]) == ""
