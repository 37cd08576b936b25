import json

import numpy as np
import pytest

from experiments.throughput.eszsl import Config, drawn, main, textbook
from experiments.throughput.tables import eszsl_grid


def test_a_small_grid_beside_numpys(tmp_path, capsys):
    config = Config(
        examples=60, dims=8, attributes=4, classes=6, points=3, penalties=(0.1, 1.0), out=tmp_path
    )
    result = main(config)
    # Tuples are lists in JSON.
    assert json.loads((tmp_path / "drawn.json").read_text()) == json.loads(json.dumps(result))
    assert result["points"] == [(0.1, 0.1), (1.0, 0.1), (1.0, 1.0)]
    assert result["worst_difference"] <= 1e-4
    assert result["seconds"] == pytest.approx(sum(result["runs"]) / 2)
    assert "jtransfer, all 4" in capsys.readouterr().out
    text = eszsl_grid([result])
    assert text.count("\n| NumPy, 3 ") == 2
    assert "60 images" in text
    assert eszsl_grid([]) == ""


def test_shared_products_change_no_solution():
    arrays = drawn(Config(examples=30, dims=5, attributes=3, classes=4))
    points = [(0.1, 1.0), (1.0, 0.1)]
    for one, other in zip(
        textbook(arrays, points, shared=True)[1],
        textbook(arrays, points, shared=False)[1],
        strict=True,
    ):
        np.testing.assert_allclose(one, other)
