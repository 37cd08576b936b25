import math

import jax
import numpy as np
import pytest

from jtransfer.data.feeds.task_mixture import MixedFeed, mixing_shares


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [(1.0, [0.1, 0.9]), (2.0, [0.25, 0.75]), (math.inf, [0.5, 0.5]), (1e-3, [0.0, 1.0])],
)
def test_shares_by_hand(temperature, expected):
    """Of 100 and 900 examples; at T = 2 as their roots, 10 and 30."""
    shares = mixing_shares(np.array([100, 900]), temperature=temperature)
    np.testing.assert_allclose(shares, expected, atol=1e-12)


def sets():
    def images(count, brightness):
        return np.full((count, 4, 4, 1), brightness, np.uint8)

    return {
        "digits": {"image": images(10, 1), "digit": np.arange(10, dtype=np.int64)},
        "turned": {"image": images(90, 2), "angle": np.linspace(0, 1, 90, dtype=np.float32)},
        "both": {"image": images(1, 3), "digit": np.array([7]), "angle": np.array([0.5])},
    }


def drawn(feed, step):
    return jax.device_get(feed.gather(feed.constants, feed.inputs(step))["source"])


def test_examples_have_their_own_labels_and_no_others():
    feed = MixedFeed(sets(), batch=64, temperature=math.inf)
    batch = drawn(feed, 0)
    of = batch["image"][:, 0, 0, 0]
    assert set(of) == {1, 2, 3}
    assert (batch["digit"][of == 2] == -1).all()
    assert np.isnan(batch["angle"][of == 1]).all()
    assert set(batch["digit"][of == 1]) <= set(range(10))
    assert np.isfinite(batch["angle"][of == 2]).all()
    assert (batch["digit"][of == 3] == 7).all()
    assert (batch["angle"][of == 3] == 0.5).all()
    assert batch["digit"].dtype == np.int32
    assert batch["angle"].dtype == np.float32


def test_sets_come_as_often_as_the_temperature_says():
    feed = MixedFeed(sets(), batch=200, temperature=2.0)
    of = np.concatenate([drawn(feed, step)["image"][:, 0, 0, 0] for step in range(20)])
    shares = np.bincount(of, minlength=4)[1:] / of.size
    np.testing.assert_allclose(
        shares, mixing_shares(np.array([10, 90, 1]), temperature=2.0), atol=0.03
    )


def test_every_example_is_drawn_and_by_step_and_seed_alone():
    feed = MixedFeed(sets(), batch=32)
    positions = np.concatenate([feed.inputs(step) for step in range(60)])
    assert set(positions) == set(range(101))
    np.testing.assert_array_equal(feed.inputs(5), MixedFeed(sets(), batch=32).inputs(5))
    assert not np.array_equal(feed.inputs(5), feed.inputs(6))
    assert not np.array_equal(feed.inputs(5), MixedFeed(sets(), batch=32, seed=1).inputs(5))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch": 0}, "a batch of 0 examples"),
        ({"temperature": 0.0}, r"temperature is 0\.0; expected a positive one"),
        ({"temperature": math.nan}, "temperature is nan"),
        ({"sets": {}}, r"sets of \[\] examples"),
        ({"sets": {"a": {"digit": np.zeros(3, int)}}}, "'a' has fields of .*expected images"),
        (
            {"sets": {"a": {"image": np.zeros((3, 4, 4, 1)), "digit": np.zeros(2, int)}}},
            "'a' has fields of .*'digit': 2",
        ),
        (
            {"sets": {n: {"image": np.zeros((3, n, n, 1))} for n in (4, 5)}},
            "images differ in shape.*jtransfer.data.images.fit",
        ),
        ({"sets": {"a": {"image": np.zeros((0, 4, 4, 1))}}}, r"sets of \[0\] examples"),
    ],
)
def test_sets_that_do_not_fit_are_errors(changes, message):
    with pytest.raises(ValueError, match=message):
        MixedFeed(**{"sets": sets(), "batch": 8, **changes})
