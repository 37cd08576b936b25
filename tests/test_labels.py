import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.labels import check_field, class_numbers, class_signs, known, one_hot, signs


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64])
def test_class_numbers_become_int32(dtype):
    numbers = class_numbers(np.array([2, 0, 1], dtype), 3)
    assert numbers.dtype == np.int32
    assert numbers.tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ([0, 0.5, 1], r"label 1 is 0\.5; expected the number of a class"),
        ([0, 1, np.nan], "label 2 is nan; expected the number of a class"),
        ([0.0, 1.0], r"labels are float64.*astype\(int\)"),
        ([True, False], r"labels are bool.*astype\(int\)"),
        (["cat", "dog"], r"labels are <U3, such as .*cat.*return_inverse"),
        ([0, -1], "labels from -1 to 0, 2 of them different; expected numbers from 0 to 2"),
        ([0, 3], "labels from 0 to 3, 2 of them different; expected numbers from 0 to 2"),
        ([1, 1], "1 of them different; expected numbers from 0 to 2, at least two"),
        ([[0, 1]], r"labels of shape \(1, 2\); expected \[n\]"),
        ([], r"labels of shape \(0,\).*at least one example"),
        (np.array([0, 1], "m8[s]"), r"labels are timedelta64\[s\].*expected integers"),
    ],
)
def test_what_is_no_class_number(labels, says):
    with pytest.raises(ValueError, match=says):
        class_numbers(np.array(labels), 3, least=2)


def test_without_a_number_of_classes_only_the_sign_is_known():
    assert class_numbers([7, 0]).tolist() == [7, 0]
    with pytest.raises(ValueError, match=r"labels from -1 to 7.*numbers from 0\. Number"):
        class_numbers([7, -1])
    with pytest.raises(ValueError, match="labels from 0 to 3000000000"):  # would wrap in int32
        class_numbers([0, 3_000_000_000])


def test_signs_are_three_numbers():
    assert class_signs(np.array([[1.0, -1.0], [0.0, 1.0]])).tolist() == [[1, -1], [0, 1]]
    with pytest.raises(ValueError, match=r"labels hold \[1, 2\]; expected 1 \(shown\)"):
        class_signs([[1, 2]])
    with pytest.raises(ValueError, match=r"labels of shape \(1, 2\); expected \[n, 3\]"):
        class_signs([[1, -1]], 3)
    with pytest.raises(ValueError, match=r"but no -1 \(not shown\).*2 \* labels - 1"):
        class_signs([[1, 0], [0, 1]])


@pytest.mark.parametrize(
    "labels",
    [
        np.array([0, 5], np.uint8),
        np.array([[1, -1, 0], [1, 1, -1]]),
        np.array([[1, 0], [0, 1]]),  # one-hot
        np.array([[1, 1], [0, 1]], np.uint8),  # numbers of groups
        np.array([[2, 0], [0, 1]]),
        np.array([[0.3, 0.7]]),
        np.array([-1.5, 2.0]),  # a number to predict
    ],
)
def test_what_a_feed_lets_in(labels):
    check_field(labels)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ([0, -1], "labels from -1 to 0"),
        ([[1, 1], [0, 1]], "but no -1"),
        ([0.0, np.nan], "label 1 holds NaN"),
        (["a"], "labels are <U1"),
    ],
)
def test_what_a_feed_does_not_let_in(labels, says):
    with pytest.raises(ValueError, match=says):
        check_field(np.array(labels))


def test_what_is_no_class_is_nan_and_has_no_gradient():
    @jax.jit
    def losses(weights, labels):
        return known(3 * weights, labels, 3)

    labels = jnp.array([0, -1, 3, 2])
    np.testing.assert_array_equal(losses(jnp.ones(4), labels), [3, np.nan, np.nan, 3])
    gradient = jax.grad(lambda weights: losses(weights, labels).sum())(jnp.ones(4))
    np.testing.assert_array_equal(gradient, [3, 0, 0, 3])
    with pytest.raises(ValueError, match="labels are float32; expected integers"):
        losses(jnp.ones(2), jnp.array([0.0, 0.5]))


def test_one_hot_rows():
    rows = one_hot(jnp.array([1, -1, 2], jnp.int8), 2)
    np.testing.assert_array_equal(rows, [[0, 1], [np.nan] * 2, [np.nan] * 2])


def test_traced_signs():
    traced = jax.jit(signs)
    np.testing.assert_array_equal(traced(jnp.array([[1, -1, 0, 2]])), [[1, -1, 0, np.nan]])
    np.testing.assert_array_equal(traced(jnp.array([[0.5, -1.0]])), [[np.nan, -1]])
    # A batch of which nothing is not shown may be chance.
    np.testing.assert_array_equal(traced(jnp.array([[1, 0]])), [[1, 0]])
    for dtype in (jnp.uint8, bool):
        with pytest.raises(ValueError, match="which has no -1; expected a signed type"):
            traced(jnp.array([[1, 0]], dtype))


def test_signs_in_memory():
    np.testing.assert_array_equal(signs(jnp.zeros((1, 2), int)), [[0, 0]])
    with pytest.raises(ValueError, match="but no -1"):
        signs(jnp.array([[1, 0], [0, 1]]))


@pytest.mark.parametrize("classes", [128, 256, 300])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16])
def test_narrow_types_tell_as_many_classes_as_there_are(dtype, classes):
    """In int8 the number 128, in uint8 256 is 0 or less: no label would be below it."""
    labels = jnp.array([1, 127], dtype)
    rows = one_hot(labels, classes)
    np.testing.assert_array_equal(np.asarray(rows).argmax(axis=1), [1, 127])
    np.testing.assert_array_equal(rows.sum(axis=1), [1, 1])
    np.testing.assert_array_equal(known(jnp.array([3.0, 4.0]), labels, classes), [3, 4])
