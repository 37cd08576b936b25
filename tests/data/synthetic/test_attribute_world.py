import numpy as np
import pytest
from matplotlib.colors import rgb_to_hsv

from jtransfer.data import DataError, load
from jtransfer.data.synthetic.attribute_world import (
    GROUPS,
    attribute_table,
    class_names,
    combinations,
    load_attribute_world,
    seen_and_unseen,
)


def test_the_same_seed_draws_the_same_and_others_draw_others():
    first, again = (load("synthetic:attributes", "train", size=40, seed=1) for _ in range(2))
    assert first.fingerprint() == again.fingerprint()
    assert first.images.shape == (40, 32, 32, 3)
    others = [
        load_attribute_world("train", size=40, seed=2),
        load_attribute_world("test", size=40, seed=1),
    ]
    assert all(other.fingerprint() != first.fingerprint() for other in others)


def test_classes_are_all_combinations_in_words():
    names = class_names()
    assert len(set(names)) == 3 * 2 * 3 * 4 * 4
    assert names[0] == "one small plain red disc"
    assert names[-1] == "three large dotted blue crosses"
    assert combinations()[0].tolist() == [0, 0, 0, 0, 0]
    assert combinations()[-1].tolist() == [2, 1, 2, 3, 3]


def test_the_table_has_one_attribute_of_each_group():
    table = attribute_table()
    assert table.attributes == tuple(name for group in GROUPS.values() for name in group)
    row = table.take(["two large striped green squares"]).values[0]
    held = [name for name, there in zip(table.attributes, row, strict=True) if there]
    assert held == ["two", "large", "striped", "green", "square"]


def test_no_training_image_shows_an_unseen_class():
    seen, unseen = seen_and_unseen()
    assert sorted([*seen, *unseen]) == list(range(288))
    assert len(unseen) == 96
    labels = load_attribute_world("train", size=400).labels
    # As often as can be: 192 classes twice, and 16 of them once more.
    assert np.unique(labels).tolist() == seen.tolist()
    assert np.bincount(labels)[seen].max() - np.bincount(labels)[seen].min() == 1
    assert len(np.unique(load_attribute_world("test", size=288).labels)) == 288
    # Every attribute can be learned, every one is asked for, and so is every pair of them.
    table = attribute_table().values
    for classes in (seen, unseen):
        assert (table[classes].sum(axis=0) > 0).all()
    together = table[seen].T @ table[seen]
    same_group = np.concatenate([[at] * len(g) for at, g in enumerate(GROUPS.values())])
    assert (together[same_group[:, None] != same_group[None]] > 0).all()


@pytest.fixture(scope="module")
def drawn():
    examples = load_attribute_world("test", size=2880)
    return examples.images.astype(int), combinations()[examples.labels]


def test_colours_are_those_of_the_label(drawn):
    """The most colourful pixel of each image has the hue of red, yellow, green or blue."""
    images, places = drawn
    strength = (images.max(axis=-1) - images.min(axis=-1)).reshape(len(images), -1)
    pixels = images.reshape(len(images), -1, 3)[np.arange(len(images)), strength.argmax(axis=1)]
    away = np.abs(rgb_to_hsv(pixels / 255)[:, :1] - np.array([[0, 0.15, 0.37, 0.62]]))
    told = np.minimum(away, 1 - away).argmin(axis=1)
    assert (told == places[:, 3]).mean() > 0.98


def test_large_things_cover_more_and_more_things_do_too(drawn):
    images, places = drawn
    plain = places[:, 2] == 0
    covered = ((images.max(-1) - images.min(-1)) > 90).sum(axis=(1, 2))

    def mean(count, size):
        return covered[plain & (places[:, 0] == count) & (places[:, 1] == size)].mean()

    assert mean(0, 1) == pytest.approx((6.4 / 4.2) ** 2 * mean(0, 0), rel=0.1)
    for size in (0, 1):
        assert mean(1, size) == pytest.approx(2 * mean(0, size), rel=0.1)
        assert mean(2, size) == pytest.approx(3 * mean(0, size), rel=0.1)


def test_an_empty_drawing_is_an_error():
    with pytest.raises(DataError, match="asked for 0 drawn images"):
        load("synthetic:attributes", "test", size=0)
