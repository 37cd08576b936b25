import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.transfer.zero_shot.image_text import PROMPTS, fill_prompts, fit_names


def test_an_ensemble_by_hand():
    """Lengths of texts and images do not count; the mean is brought to length 1 again."""
    texts = np.array([[[2, 0], [0, 3]], [[0, -1], [0, -5]]], np.float32)
    model = fit_names(texts, scale=10.0)
    half = np.sqrt(0.5)
    np.testing.assert_allclose(model.classes, [[half, half], [0, -1]], atol=1e-6)
    images = np.array([[4, 0], [0, -2], [-3, -3], [0, 0]], np.float32)
    expected = [[10 * half, 0], [-10 * half, 10], [-10, 10 * half], [0, 0]]
    np.testing.assert_allclose(model.decision(images), expected, atol=1e-5)
    assert model.predict(images).tolist() == [0, 1, 1, 0]


def test_one_text_each_is_an_ensemble_of_one():
    texts = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    one, several = fit_names(texts), fit_names(texts[:, None])
    np.testing.assert_array_equal(one.classes, several.classes)
    np.testing.assert_allclose(jnp.square(one.classes).sum(1), 1, atol=1e-6)


def test_a_classifier_goes_through_jit():
    model = fit_names(np.eye(3, dtype=np.float32))
    assert jax.jit(lambda model: model.classes * model.scale)(model).shape == (3, 3)


def test_every_name_in_every_prompt():
    texts = fill_prompts(["sea lion", "bench"])
    assert [len(each) for each in texts] == [len(PROMPTS)] * 2
    assert texts[0][1] == "a bad photo of the sea lion."
    assert fill_prompts(["{}"], ["a {}."]) == [["a {}."]]


@pytest.mark.parametrize(
    ("names", "prompts", "message"),
    [
        ([], ["a {}."], "0 names in 1 prompts"),
        (["cat"], [], "1 names in 0 prompts"),
        (["cat"], ["a cat"], "the prompt 'a cat' has 0 places for a name; expected one"),
        (["cat"], ["a {} {}"], "has 2 places"),
    ],
)
def test_prompts_without_a_place_are_refused(names, prompts, message):
    with pytest.raises(ValueError, match=message):
        fill_prompts(names, prompts)


def test_embeddings_that_are_none_are_refused():
    with pytest.raises(ValueError, match=r"shape \[4\]; expected \[classes, prompts, dims\]"):
        fit_names(np.ones(4))
    with pytest.raises(ValueError, match="texts"):
        fit_names(np.full((2, 3), np.nan))
    with pytest.raises(ValueError, match="finite"):
        fit_names(np.eye(3)).predict(np.full((1, 3), np.inf))
