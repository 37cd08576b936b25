import json
from dataclasses import replace

import numpy as np
import pytest

from experiments.throughput.probe import (
    Config,
    drawn_features,
    main,
    objective,
    rival_penalties,
)
from experiments.throughput.tables import probe_solver


def test_a_small_job_beside_scikit_learns(tmp_path, capsys):
    config = Config(
        classes=4, dims=60, train=10, folds=2, penalties=(0.1, 1.0), rivals=1, out=tmp_path
    )
    result = main(config)
    assert json.loads((tmp_path / "drawn_40x60.json").read_text()) == result
    assert result["examples"] == 40
    for each in result["measured"].values():
        (rival,) = each["scikit_learn"]
        assert rival["C"] == 0.1
        assert rival["our_objective_less_theirs"] <= 1e-4
        assert rival["same_predictions"] >= 0.95
        # One of 2 x 2 fits was timed.
        assert each["scikit_learn_seconds"] == pytest.approx(4 * rival["seconds"])
    assert "40 x 60 features (drawn), 4 classes" in capsys.readouterr().out
    text = probe_solver([result])
    assert text.count("\n| SVM |") == text.count("\n| softmax |") == 1


def test_objectives_by_hand():
    """Scores are 2 and 0 for an example of class 0; the SVM's margins are 2 and 0."""
    weights, bias = np.array([[1.0, 0.0]]), np.array([1.0, 0.0])
    features, labels = np.array([[1.0]]), np.array([0])
    svm = objective("svm", weights, bias, features, labels, 3.0)
    assert svm == pytest.approx(0.5 + 0.5 + 3 * (0 + 1))
    softmax = objective("softmax", weights, bias, features, labels, 3.0)
    assert softmax == pytest.approx(0.5 + 3 * (np.log(np.e**2 + 1) - 2))


def test_drawn_features_have_length_one():
    features, labels = drawn_features(Config(classes=3, dims=50, train=4))
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, rtol=1e-5)
    assert (features >= 0).all()
    assert np.bincount(labels).tolist() == [4, 4, 4]


def test_scikit_learn_is_timed_at_even_distances():
    config = Config(penalties=(8.0, 1.0, 2.0, 4.0))
    assert rival_penalties(replace(config, rivals=2)) == [1.0, 4.0]
    assert rival_penalties(replace(config, rivals=9)) == [1.0, 2.0, 4.0, 8.0]
