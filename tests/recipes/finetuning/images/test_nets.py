import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.weights.catalogue.table import PRETRAINED
from jtransfer.recipes.finetuning.images.nets import TUNED_NETS, tuned_net


@pytest.mark.parametrize(("name", "dims"), [("alexnet_2014", 6400), ("efficientnet_lite0", 1280)])
def test_a_trunk_ends_before_the_stages_that_name_classes(name, dims):
    """Of 200 pixels AlexNet's last pool leaves 5 x 5 maps of 256, Lite0's mean 1,280 numbers."""
    trunk, images = TUNED_NETS[name].trunk(), jnp.zeros((2, 200, 200, 3))
    outputs, _ = jax.eval_shape(lambda: trunk.init_with_output(jax.random.key(0), images))
    assert np.prod(outputs.shape[1:]) == dims


def test_pixels_are_normalised_as_the_publisher_did():
    """(255 / 255 - .485) / .229, (51 / 255 - .456) / .224, (0 - .406) / .225."""
    pixels = jnp.array([255, 51, 0], jnp.uint8).reshape(1, 1, 1, 3)
    measured = TUNED_NETS["alexnet_2014"].normalised(pixels).ravel()
    np.testing.assert_allclose(measured, [2.24890829, -1.14285714, -1.80444444], rtol=1e-6)


def test_every_regime_has_its_learning_rate():
    net = TUNED_NETS["alexnet_2014"]
    rates = [net.learning_rate_of(regime) for regime in ("full", "slow_trunk", "lp_ft", "scratch")]
    assert rates == [0.002, 0.002, 0.0005, 0.002]
    assert TUNED_NETS["efficientnet_lite0"].learning_rate_of("scratch") == 0.05
    assert tuned_net("resnet50_a1").learning_rate_of("full") == 0.01


def test_every_published_net_can_be_tuned_and_no_other():
    assert TUNED_NETS.keys() == PRETRAINED.keys()
    assert TUNED_NETS["resnet18"].until == "pool"
    with pytest.raises(ValueError, match="no net 'vgg'; expected one of efficientnet_lite0, "):
        tuned_net("vgg")
