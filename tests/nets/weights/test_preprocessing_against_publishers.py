"""Our scaling, cutting and normalising beside the publishers' own, on photographs.

The largest difference of a pixel is 0 and that of a logit 1e-3 of the logits' deviation.
"""

import jax
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

from jtransfer.nets.weights.catalogue.table import PRETRAINED
from jtransfer.nets.weights.pretrained_net import pretrained
from jtransfer.recipes.preprocessing import crop_of
from tests.nets.published_nets import timm, torchvision


@pytest.fixture(scope="module")
def photographs():
    """Two that come with scikit-learn, one of them made upright."""
    first, second = map(Image.fromarray, load_sample_images().images)
    return first, second.rotate(90, expand=True).crop((3, 0, 427, 533))


def publishers(name):
    """The transform that the publisher judges by, of a Pillow image to [3, size, size]."""
    preprocessing = PRETRAINED[name].preprocessing
    if name.startswith("alexnet"):
        torchvision()
        from torchvision.models import AlexNet_Weights

        return AlexNet_Weights.IMAGENET1K_V1.transforms()
    timm()
    from timm.data import create_transform

    return create_transform(
        (3, preprocessing.size, preprocessing.size),
        interpolation=preprocessing.interpolation,
        crop_pct=preprocessing.share,
        mean=preprocessing.mean,
        std=preprocessing.std,
    )


@pytest.mark.parametrize("name", ["alexnet_2014", "efficientnet_lite1", "resnet50_a1"])
def test_pixels_are_the_publishers(name, photographs):
    transform, preprocessing = publishers(name), PRETRAINED[name].preprocessing
    crop = crop_of(preprocessing)
    for photograph in photographs:
        expected = np.moveaxis(transform(photograph).numpy(), 0, -1)
        pixels = expected * np.array(preprocessing.std) + np.array(preprocessing.mean)
        np.testing.assert_array_equal(crop(photograph), np.rint(255 * pixels))
        normalised = preprocessing.normalise(crop(photograph))
        np.testing.assert_allclose(normalised, expected, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_logits_are_the_publishers(photographs):
    transform = publishers("efficientnet_lite0")
    net, variables, preprocessing = pretrained("efficientnet_lite0", until="fc")
    crop, classify = crop_of(preprocessing), jax.jit(net.apply)
    ours = np.stack([preprocessing.normalise(crop(each)) for each in photographs])
    theirs = np.stack([np.moveaxis(transform(each).numpy(), 0, -1) for each in photographs])
    expected = classify(variables, theirs)
    difference = np.abs(classify(variables, ours) - expected).max()
    print(f"largest difference of a logit: {difference:.1e} of {expected.std():.2f}")
    assert difference < 1e-3 * expected.std()
