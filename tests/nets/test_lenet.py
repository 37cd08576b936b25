import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.nets.lenet import lenet
from tests import draws
from tests.draws import normal


def layer(inputs, outputs):
    return inputs * outputs + outputs


def test_parameters_are_the_papers():
    images = jax.ShapeDtypeStruct((2, 28, 28, 1), jnp.float32)
    (labels, domains), variables = jax.eval_shape(
        lenet().init_with_output, jax.random.key(0), images
    )
    sizes = {
        part: sum(leaf.size for leaf in jax.tree.leaves(variables["params"][part]))
        for part in ("trunk", "label_head", "domain_head")
    }
    assert tuple(sizes.values()) == (
        # 28 -> 24 -> 12 -> 8 -> 4 pixels a side
        layer(5 * 5 * 1, 20) + layer(5 * 5 * 20, 50) + layer(4 * 4 * 50, 500),
        layer(500, 10),
        layer(500, 500) + layer(500, 500) + layer(500, 2),
    )
    assert labels.shape == (2, 10)
    assert domains.shape == (2,)
    assert set(variables) == {"params"}


def test_the_domain_logit_is_that_of_a_softmax_over_two():
    net = lenet()
    features = normal(1, (3, 500))
    variables = draws.variables(net, jnp.zeros((1, 28, 28, 1)))
    two = net.apply(variables, features, method=lambda net, x: net.domain_head(x))
    one = net.apply(variables, features, method="discriminate")
    np.testing.assert_allclose(jax.nn.sigmoid(one), jax.nn.softmax(two)[:, 1], rtol=1e-5)


def test_norm_keeps_statistics_after_both_convolutions():
    made = jax.eval_shape(lenet(norm=True).init, jax.random.key(0), jnp.zeros((1, 28, 28, 1)))
    assert set(made["batch_stats"]["trunk"]) == {"conv1", "conv2"}
