import gzip
import struct
from dataclasses import replace

import numpy as np
import pytest
from scipy.io import savemat

from experiments.adapt_digits.pairs import PAIRS
from experiments.adapt_digits.setup import problem_of
from jtransfer.data import DataError

RANDOM = np.random.default_rng(0)


def pixels(*shape):
    return RANDOM.integers(0, 256, shape, np.uint8)


def digits(count):
    return (np.arange(count) % 10).astype(np.uint8)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A few images of each domain, in the form that it is published in."""
    folder = tmp_path_factory.mktemp("root")
    (folder / "mnist").mkdir()
    (folder / "svhn").mkdir()
    for split, prefix, count in (("train", "train", 50), ("test", "t10k", 20)):
        for kind, values in (
            ("images-idx3", pixels(count, 28, 28)),
            ("labels-idx1", digits(count)),
        ):
            header = struct.pack(f">4B{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
            with gzip.open(folder / "mnist" / f"{prefix}-{kind}-ubyte.gz", "wb") as file:
                file.write(header + values.tobytes())
        labels = np.where(digits(count) == 0, 10, digits(count))[:, None]
        savemat(
            folder / "svhn" / f"{split}_32x32.mat", {"X": pixels(32, 32, 3, count), "y": labels}
        )
    for name, shape in (("usps", (16, 16)), ("scene_digits", (48, 48, 3))):
        arrays = {}
        for split, count in (("train", 40), ("test", 20)):
            arrays |= {f"{split}_image": pixels(count, *shape), f"{split}_label": digits(count)}
        np.savez(folder / f"{name}.npz", **arrays)
    return folder


def thinned(name, **changes):
    """A pair with few drawn images."""
    pair = PAIRS[name]
    sizes = {"source_size": 12} if pair.source.startswith("synthetic") else {}
    return replace(pair, **(sizes | changes))


@pytest.mark.parametrize("name", ["numbers-scene_digits", "numbers-svhn", "svhn-mnist"])
def test_digits_of_all_sorts_become_one_size_and_order(root, name):
    problem = problem_of(thinned(name), root)
    for part in (problem.source, problem.target, problem.test):
        assert part.images.shape[1:] == (32, 32, 3)
        assert part.classes == tuple("0123456789")
    assert len(problem.test) == 20


def test_mnist_and_usps_are_thinned_to_train_on_and_whole_to_test_on(root):
    sizes = {name: (PAIRS[name].source_size, PAIRS[name].target_size) for name in PAIRS}
    assert sizes["mnist-usps"] == (2000, 1800)
    assert sizes["usps-mnist"] == (1800, 2000)
    small = {"source_size": 30, "target_size": 25}
    one, again, other = (
        problem_of(thinned("mnist-usps", **small), root, seed=seed) for seed in (0, 0, 1)
    )
    assert (len(one.source), len(one.target), len(one.test)) == (30, 25, 20)
    assert one.source.images.shape[1:] == one.target.images.shape[1:] == (28, 28, 1)
    for part in ("source", "target"):
        prints = [getattr(each, part).fingerprint() for each in (one, again, other)]
        assert prints[0] == prints[1] != prints[2]
    assert one.test.fingerprint() == other.test.fingerprint()
    with pytest.raises(DataError, match=r"asked for 2,000 examples; expected 1 to 50"):
        problem_of(PAIRS["mnist-usps"], root)


def test_a_domain_of_another_range_is_refused(root, tmp_path):
    """The known trap: one domain from 0 to 255, the other from 0 to 1."""
    (tmp_path / "mnist").symlink_to(root / "mnist")
    with np.load(root / "usps.npz") as archive:
        arrays = dict(archive)
    arrays["train_image"] = arrays["train_image"] // 128
    np.savez(tmp_path / "usps.npz", **arrays)
    pair = thinned("usps-mnist", source_size=None, target_size=None)
    with pytest.raises(DataError, match=r"npz:usps reach 1, those of idx:mnist 255.*to_bytes"):
        problem_of(pair, tmp_path)
    arrays["train_image"] = arrays["train_image"] / 1.0
    np.savez(tmp_path / "usps.npz", **arrays)
    with pytest.raises(DataError, match=r"npz:usps: images are float64.*to_bytes"):
        problem_of(pair, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("mnist-usps", (2000, 1800, 2007)),
        ("usps-mnist", (1800, 2000, 10_000)),
        ("numbers-scene_digits", (12, 445, 440)),
        ("signs-gtsrb", (12, 13_070, 6315)),
    ],
)
def test_real_domains_are_complete_and_agree(data_root, name, sizes):
    problem = problem_of(thinned(name), data_root)
    assert (len(problem.source), len(problem.target), len(problem.test)) == sizes
    assert problem.source.classes == problem.test.classes


def test_a_sample_of_a_sorted_domain_is_of_all_its_classes(root):
    """GTSRB's and the street digits' training images come sorted by class."""
    problem = problem_of(thinned("numbers-scene_digits"), root)
    order = np.argsort(problem.target.labels, kind="stable")
    problem = replace(problem, target=problem.target.take(order))
    sample = problem.sample("target", 20)
    assert len(sample) == 20
    assert len(np.unique(sample.labels)) > 5
    whole = problem.sample("target", 1000)
    np.testing.assert_array_equal(whole.labels, problem.target.labels)
