import jax
import numpy as np
import pytest

from jtransfer.train.evaluation import map_batches


@pytest.mark.parametrize("count", [1, 4, 7, 8])
def test_every_example_is_seen_once_in_order(count):
    images = np.arange(count * 2, dtype=np.float32).reshape(count, 2)
    np.testing.assert_array_equal(
        map_batches(lambda x: x.sum(axis=1), images, batch=4), images.sum(axis=1)
    )


def test_an_uneven_last_batch_compiles_nothing_new():
    double = jax.jit(lambda x: 2 * x)
    map_batches(double, np.ones((7, 2), np.float32), batch=3)
    assert double._cache_size() == 1


def test_a_tree_of_outputs_comes_from_one_pass():
    calls = []

    def both(images):
        calls.append(len(images))
        return {"twice": 2 * images, "sums": images.sum(axis=1)}

    images = np.arange(10.0).reshape(5, 2)
    outputs = map_batches(both, images, batch=3)
    np.testing.assert_array_equal(outputs["twice"], 2 * images)
    np.testing.assert_array_equal(outputs["sums"], images.sum(axis=1))
    assert calls == [3, 3]


@pytest.mark.parametrize(
    ("count", "batches"), [(1, [64]), (65, [128]), (256, [256]), (257, [500]), (501, [500, 500])]
)
def test_few_images_are_not_filled_up_to_many(count, batches):
    calls = []

    def same(images):
        calls.append(len(images))
        return images

    assert len(map_batches(same, np.zeros((count, 2)))) == count
    assert calls == batches
