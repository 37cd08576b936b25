from functools import partial

import jax
import numpy as np

from jtransfer.nets.classifier import Classifier
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk
from tests import draws
from tests.draws import normal

IMAGES = normal(0, (2, 6, 6, 2))


def test_logits_are_the_heads_of_the_trunks_flat_features():
    stage = partial(ConvStage, 4, 3, pool=(2, 2))
    net = Classifier(Trunk((("conv1", stage),)), Head((5,), 3, dropout=0.5))
    variables = draws.variables(net, IMAGES)
    params = variables["params"]
    assert {name: set(tree) for name, tree in params.items()} == {
        "trunk": {"conv1"},
        "head": {"fc1", "out"},
    }
    maps = net.trunk.apply({"params": params["trunk"]}, IMAGES)
    features = net.apply(variables, IMAGES, method="features")
    np.testing.assert_array_equal(features, maps.reshape(2, 16))
    logits = net.head.apply({"params": params["head"]}, features)
    np.testing.assert_array_equal(net.apply(variables, IMAGES, method="predict"), logits)
    np.testing.assert_array_equal(net.apply(variables, features, method="classify"), logits)
    dropped = net.apply(variables, IMAGES, train=True, rngs={"dropout": jax.random.key(2)})
    assert not np.allclose(dropped, logits)
