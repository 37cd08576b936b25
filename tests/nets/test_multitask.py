from functools import partial

import jax
import numpy as np

from jtransfer.nets.multitask import MultitaskNet
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk
from tests import draws
from tests.draws import normal

IMAGES = normal(0, (2, 6, 6, 2))


def test_every_head_stands_on_the_same_features():
    heads = {"shape": Head((5,), 3, dropout=0.5), "angle": Head((), 1)}
    net = MultitaskNet(Trunk((("conv1", partial(ConvStage, 4, 3, pool=(2, 2))),)), heads)
    variables = draws.variables(net, IMAGES)
    params = variables["params"]
    assert set(params) == {"trunk", "heads_shape", "heads_angle"}
    features = net.apply(variables, IMAGES, method="features")
    assert features.shape == (2, 16)
    outputs = net.apply(variables, IMAGES, method="predict")
    assert {task: each.shape for task, each in outputs.items()} == {
        "shape": (2, 3),
        "angle": (2, 1),
    }
    for task, head in heads.items():
        expected = head.apply({"params": params[f"heads_{task}"]}, features)
        np.testing.assert_array_equal(outputs[task], expected)
        answer = net.apply(variables, features, task, method="answer")
        np.testing.assert_array_equal(answer, expected)
    dropped = net.apply(variables, IMAGES, train=True, rngs={"dropout": jax.random.key(2)})
    assert not np.allclose(dropped["shape"], outputs["shape"])
    np.testing.assert_array_equal(dropped["angle"], outputs["angle"])
