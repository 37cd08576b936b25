import jax.numpy as jnp
import numpy as np

from jtransfer.transfer.adaptation.class_shares import even_shares, moved_shares


def test_shares_begin_even_and_as_strongly_typed_as_they_go_on():
    shares = even_shares(4)
    assert set(shares) == {"labels", "guesses"}
    for values in shares.values():
        np.testing.assert_array_equal(values, [0.25] * 4)
        assert not values.weak_type  # else a step that takes them compiles twice


def test_running_means_by_hand():
    guesses = jnp.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.5, 0.5]])
    moved = moved_shares(even_shares(2), jnp.array([1, 1]), guesses, decay=0.75)
    np.testing.assert_allclose(moved["labels"], [0.375, 0.625])
    np.testing.assert_allclose(moved["guesses"], [0.5, 0.5])
    assert all(not values.weak_type for values in moved.values())


def test_a_label_of_no_class_is_seen():
    moved = moved_shares(even_shares(2), jnp.array([-1]), jnp.array([[1.0, 0.0]]), decay=0.5)
    assert jnp.isnan(moved["labels"]).all()
