import numpy as np
import pytest
from matplotlib.colors import to_rgb

from jtransfer.measure.canvas import PALETTE, SOURCE, TARGET
from jtransfer.measure.embedding import Embedding
from jtransfer.measure.scatter import embedding_figure
from tests.measure.picture import pixels_of


def embedding(classes=2, count=20):
    rng = np.random.default_rng(0)
    labels = np.arange(count) % classes
    features = rng.normal(size=(2, count, 5)) + 9 * labels[:, None]
    return Embedding(features[0], features[1], labels, labels)


def pixels(drawn, colour):
    # Dots are three quarters opaque on white; compare the hue of what they leave.
    wanted = 255 - 0.75 * (255 - np.multiply(255, to_rgb(colour)))
    return int((np.abs(drawn - wanted).max(axis=-1) < 12).sum())


def test_upper_row_by_domain_lower_row_by_class(tmp_path):
    file = tmp_path / "embedding.png"
    embedding_figure({"before": embedding(4), "after": embedding(4)}, file)
    drawn = pixels_of(file)
    # 130 pixels an inch: two panels of 3.7 + 0.3 wide; title, panels and two legends high.
    assert drawn.shape == (int(130 * (0.8 + 3.7 + 0.45 + 3.7 + 0.25 + 0.24)), 1040, 3)
    upper, lower = drawn[: 5 * 130], drawn[5 * 130 :]
    for colour in (SOURCE, TARGET):
        assert pixels(upper, colour) > 200
    for colour in PALETTE[2:4]:
        assert pixels(upper, colour) == 0
        assert pixels(lower, colour) > 50


def test_the_same_seed_draws_the_same_bytes(tmp_path):
    for name in ("a.png", "b.png"):
        embedding_figure({"x": embedding()}, tmp_path / name, classes=["cat", "dog"], seed=1)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_more_classes_than_colours(tmp_path):
    embedding_figure({"x": embedding(25, 50)}, tmp_path / "a.png")
    assert pixels_of(tmp_path / "a.png").shape[1] == 520


def test_labels_without_a_name_and_no_panel(tmp_path):
    with pytest.raises(ValueError, match="run from 0 to 1, but there are 1 class names"):
        embedding_figure({"x": embedding()}, tmp_path / "a.png", classes=["cat"])
    with pytest.raises(ValueError, match="no panel to draw"):
        embedding_figure({}, tmp_path / "a.png")
