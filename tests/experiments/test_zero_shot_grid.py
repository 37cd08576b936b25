from dataclasses import replace

import numpy as np
import pytest

from experiments import zero_shot_grid, zero_shot_methods
from experiments.zero_shot import Config, main
from experiments.zero_shot_data import load_awa1, rooted
from experiments.zero_shot_grid import Grid, Problem
from experiments.zero_shot_methods import METHODS
from experiments.zero_shot_tables import zero_shot as section
from jtransfer.data import DataError
from jtransfer.train.parallel import Parallel
from jtransfer.train.run_folder import RunFolderError
from tests.measure.picture import pixels_of

NAMES = ("fox", "cow", "polar+bear", "seal", "bat", "ox", "rat", "hen")


@pytest.fixture
def root(tmp_path):
    """Eight animals of three binary attributes; features show the attributes."""
    random = np.random.default_rng(0)
    binary = np.array([[n >> k & 1 for k in range(3)] for n in range(8)], np.uint8)
    labels = np.repeat(np.arange(8), 12)
    shown = np.c_[binary, 1 - binary][labels] * 200 + random.integers(0, 40, (96, 6))
    continuous = 80.0 * binary + 10
    continuous[1, 1] = -1
    np.savez(
        tmp_path / "awa1.npz",
        rgsift_sqrt_u8=shown.astype(np.uint8),
        phog_u8=shown[:, ::-1].astype(np.uint8),
        label=labels,
        attributes_binary=binary,
        attributes_continuous=continuous,
        class_names=np.array(NAMES),
        attribute_names=np.array(["a", "b", "c"]),
        train_classes=np.array([NAMES[n] for n in (0, 1, 2, 4, 6, 7)]),
        test_classes=np.array([NAMES[n] for n in (3, 5)]),
    )
    words = sorted({word for name in NAMES for word in name.split("+")})
    np.savez(tmp_path / "words.npz", words=np.array(words), vectors=random.normal(size=(9, 4)))
    return tmp_path


@pytest.fixture
def config(root, monkeypatch):
    small = {
        name: zero_shot_methods.Method(
            each.title, each.settings[-2:], each.fit, each.probabilities, each.trained
        )
        for name, each in METHODS.items()
    }
    fit = zero_shot_methods._by_gradient
    net = zero_shot_methods.Bilinear()
    small["ale"] = zero_shot_methods.Method(
        "ALE",
        ({"rate": 0.01, "steps": 20}, {"rate": 0.01, "steps": 40}),
        fit(net, zero_shot_methods.ale_ranking, batch=8),
        trained=True,
    )
    monkeypatch.setattr(zero_shot_grid, "METHODS", small)
    return Config(
        data="npz:awa1",
        grid=Grid(methods=("dap", "ale"), sides=("binary", "both"), folds=2, words="words.npz"),
        seeds=(0, 1),
        data_root=root,
        out=root / "out",
    )


def test_every_cell_is_measured_and_drawn(config, capsys):
    results = main(config)
    printed = capsys.readouterr().out
    cells = [(each["side"], each["method"]) for each in results]
    assert cells == [("binary", "dap"), ("binary", "ale"), ("both", "ale")]
    by_name = dict(zip(cells, results, strict=True))
    # Attributes that features show are recognised in combinations never seen.
    assert by_name["binary", "dap"]["measured"][0]["accuracy"] > 0.9
    assert [run["seed"] for run in by_name["binary", "ale"]["measured"]] == [0, 1]
    for each in results:
        assert each["setting"] in each["settings"]
        for run in each["measured"]:
            assert np.array(run["confusion"]).sum() == 24
            S, U, H = (run["calibrated"][letter] for letter in "SUH")
            assert pytest.approx(2 * S * U / (S + U) if S + U else 0) == H
            assert 0 <= run["area"] <= 1
    assert "chance 0.500" in printed
    folder = config.out / "awa1-ale-both"
    assert pixels_of(folder / "map.png").shape == (1170, 1105, 3)
    assert (folder / "confusion.png").exists()

    assert main(config) == results
    assert capsys.readouterr().out.count("finished before") == 3

    text = section(results)
    row = next(line for line in text.splitlines() if line.startswith("| DAP"))
    assert row.endswith("| .405 |")
    assert "only rgsift and phog are at hand" in text
    assert section([]) == ""


def test_over_devices_it_is_the_cell_of_one(config):
    config = replace(config, grid=replace(config.grid, methods=("ale",), sides=("binary",)))
    (single,) = main(config)
    (shared,) = main(replace(config, parallel=Parallel(devices=2), out=config.out / "two"))
    assert shared["setting"] == single["setting"]
    for ours, theirs in zip(shared["measured"], single["measured"], strict=True):
        assert ours["confusion"] == theirs["confusion"]
        assert ours["area"] == pytest.approx(theirs["area"])


def test_nothing_of_an_unseen_class_is_trained_on(root):
    data = load_awa1(root, "words.npz")
    problem = Problem.make(data, rooted(data.features, {"rgsift": 1.0}), 4)
    assert not np.isin(data.labels[np.r_[problem.train, problem.held]], data.unseen).any()
    assert np.bincount(data.labels[problem.train])[data.seen].tolist() == [9] * 6
    assert np.intersect1d(problem.train, problem.held).size == 0


def test_a_missing_attribute_is_the_mean_of_the_others(root):
    table = load_awa1(root, "words.npz").tables["continuous"]
    # Without the second class's, attribute b of the seven others: .1 three times, .9 four times.
    assert table.values[1, 1] == pytest.approx((3 * 0.1 + 4 * 0.9) / 7)


def test_square_roots_of_the_wanted_lengths():
    features = {"a": np.array([[9.0, 16.0]]), "b": np.array([[4.0, 0.0]])}
    np.testing.assert_allclose(rooted(features, {"a": 1.0, "b": 0.5}), [[0.6, 0.8, 0.5, 0]])


def test_word_vectors_become_zeros_and_ones_for_attribute_classifiers(root):
    data = load_awa1(root, "words.npz")
    values = METHODS["dap"].signatures([data.tables["words"]], data.seen)
    rows = data.tables["words"].values
    np.testing.assert_array_equal(values, rows > rows[data.seen].mean(axis=0))


def test_what_is_missing(tmp_path, root):
    with pytest.raises(DataError, match=r"awa1\.npz is not there; expected the features"):
        load_awa1(tmp_path / "none")
    with pytest.raises(DataError, match=r"none\.npz is not there; expected an archive with words"):
        load_awa1(root, "none.npz")


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("test_classes", np.array(["fox", "ox"]), "fox are both seen and unseen"),
        ("attributes_binary", np.tile(np.eye(2, 3), (4, 1)), "fox and polar.bear, fox and bat"),
        ("attributes_binary", np.eye(7, 3), "expected .classes, attributes."),
        ("class_names", np.array([*NAMES[:-1], "yeti"]), "no vector for yeti"),
    ],
)
def test_classes_that_cannot_be_told(root, key, value, says):
    with np.load(root / "awa1.npz") as archive:
        content = dict(archive)
    np.savez(root / "awa1.npz", **{**content, key: value})
    with pytest.raises(ValueError, match=says):
        load_awa1(root, "words.npz")


@pytest.mark.slow
def test_eszsl_on_the_real_animals(data_root, tmp_path):
    """At least .33 with continuous attributes, the setting chosen on validation classes."""
    grid = Grid(methods=("eszsl",), sides=("continuous",))
    config = Config(data="npz:awa1", grid=grid, data_root=data_root, out=tmp_path / "out")
    assert main(config)[0]["measured"][0]["accuracy"] >= 0.33


@pytest.mark.parametrize("changed", ["awa1.npz", "words.npz"])
def test_a_result_is_keyed_by_features_and_tables(config, root, changed):
    config = replace(config, grid=replace(config.grid, methods=("dap",), sides=("binary",)))
    main(config)
    arrays = dict(np.load(root / changed))
    name = "rgsift_sqrt_u8" if changed == "awa1.npz" else "vectors"
    arrays[name] = arrays[name][::-1]
    np.savez(root / changed, **arrays)
    with pytest.raises(RunFolderError, match=r"another config \(fingerprint: "):
        main(config)
