import jax
import numpy as np

from jtransfer.data.examples import Examples
from jtransfer.recipes.own_folder.pooled_arrays import pooled_array_features


def examples(channels):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (5, 4, 4, channels)).astype(np.uint8)
    return Examples(images, np.zeros(5, np.int32), ("one",), f"of {channels}")


def test_features_are_the_trunks_of_the_images_scaled_up(toy_trunk, tmp_path):
    given = examples(3)
    found = pooled_array_features(toy_trunk, given, size=8, cache_folder=tmp_path)
    scaled = jax.image.resize(given.images.astype(np.float32), (5, 8, 8, 3), "linear")
    expected = toy_trunk(toy_trunk.variables, scaled, toy_trunk.layers)
    assert found.layers.keys() == set(toy_trunk.layers)
    for layer, values in expected.items():
        np.testing.assert_allclose(found.layers[layer], values, atol=1e-5)


def test_grey_images_are_repeated_over_the_channels_and_kept(toy_trunk, tmp_path):
    grey = examples(1)
    three = Examples(grey.images.repeat(3, axis=-1), grey.labels, grey.classes, "three")
    first, other = (
        pooled_array_features(toy_trunk, each, size=8, cache_folder=tmp_path)
        for each in (grey, three)
    )
    for layer in toy_trunk.layers:
        np.testing.assert_allclose(first.layers[layer], other.layers[layer], atol=1e-5)
    # Of another size they are others, in a folder of their own.
    pooled_array_features(toy_trunk, grey, size=12, cache_folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
