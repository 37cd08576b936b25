import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.transfer.adaptation.translated_images import (
    Translations,
    translation_figure,
    translations,
)
from tests.measure.picture import pixels_of
from tests.transfer.game import params
from tests.transfer.translation_game import TranslationGame

# Codes are half the images, written 1.2 times as large in the source and 0.6 times in the target.
OWN = {"params": params(trunk=0.5, image_writers_0=1.2, image_writers_1=0.6)}


def test_translations_by_hand():
    images = jnp.array([[0.5], [1.0]])
    of_source = translations(TranslationGame(), OWN, images, domain=0)
    np.testing.assert_allclose(of_source.identity, 0.6 * images, rtol=1e-6)
    np.testing.assert_allclose(of_source.translated, 0.3 * images, rtol=1e-6)
    np.testing.assert_allclose(of_source.cycled, 0.3 * 0.6 * images, rtol=1e-6)
    of_target = translations(TranslationGame(), OWN, images, domain=1)
    np.testing.assert_allclose(of_target.identity, 0.3 * images, rtol=1e-6)
    np.testing.assert_allclose(of_target.translated, 0.6 * images, rtol=1e-6)
    np.testing.assert_allclose(of_target.cycled, 0.6 * 0.3 * images, rtol=1e-6)
    assert isinstance(jax.tree.map(jnp.shape, of_source), Translations)


def test_a_domain_that_is_neither():
    with pytest.raises(ValueError, match="domain is 2; expected 0 for the source or 1 for the tar"):
        translations(TranslationGame(), OWN, jnp.ones((1, 1)), domain=2)


def test_figure_shows_each_domain_its_translation_and_the_way_back(tmp_path):
    def plain(grey):
        return np.full((3, 8, 8, 1), grey, np.uint8), np.array([0, 1, 1])

    file = tmp_path / "translated.png"
    translation_figure(
        TranslationGame(),
        OWN,
        file,
        source=plain(200),
        target=plain(100),
        names=("MNIST", "USPS"),
        classes=("zero", "one"),
        columns=2,
    )
    drawn = pixels_of(file)
    # Six blocks of one row: a heading of 40 pixels, a label of 20, a picture of 96, a gap of 8.
    first, step = 52 + 40 + 20, 40 + 20 + 96 + 8
    assert drawn.shape == (52 + 6 * step + 12, 2 * 24 + 2 * 104 - 8, 3)
    # 200 -> .3 of it and then .6 of that; 100 -> .6 of it and then .3 of that.
    for block, grey in enumerate((200, 60, 36, 100, 60, 18)):
        top = first + block * step
        assert (drawn[top : top + 96, 24 : 24 + 96] == grey).all()
        assert (drawn[top : top + 96, 128 : 128 + 96] == grey).all()
