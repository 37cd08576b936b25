import numpy as np
import pytest

from jtransfer.recipes.labelled import LabelledFeed


def stream(positions, batch, steps, seed=0):
    feed = LabelledFeed({}, np.array(positions), batch, seed)
    return np.concatenate([feed.inputs(step) for step in range(steps)])


@pytest.mark.parametrize(("count", "batch"), [(6, 2), (6, 4), (3, 8), (5, 5)])
def test_every_epoch_has_every_labelled_example_once(count, batch):
    positions = 10 + np.arange(count)
    drawn = stream(positions, batch, 3 * count)
    assert drawn.shape == (3 * count * batch,)
    epochs = drawn[: len(drawn) // count * count].reshape(-1, count)
    np.testing.assert_array_equal(np.sort(epochs, axis=1), np.tile(positions, (len(epochs), 1)))
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_the_order_is_the_seeds():
    np.testing.assert_array_equal(stream(range(9), 4, 5), stream(range(9), 4, 5))
    assert not np.array_equal(stream(range(9), 4, 5), stream(range(9), 4, 5, seed=1))
