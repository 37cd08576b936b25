import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.ganin import GANIN_NETS
from tests import draws
from tests.draws import normal


def layer(inputs, outputs):
    return inputs * outputs + outputs


PARAMETERS = {
    # trunk | label head | domain head, counted by hand from Figure 4
    "mnist": (
        layer(5 * 5 * 3, 32) + layer(5 * 5 * 32, 48),
        layer(5 * 5 * 48, 100) + layer(100, 100) + layer(100, 10),
        layer(5 * 5 * 48, 100) + layer(100, 1),
    ),
    "svhn": (
        layer(5 * 5 * 3, 64) + layer(5 * 5 * 64, 64) + layer(5 * 5 * 64, 128),
        layer(7 * 7 * 128, 3072) + layer(3072, 2048) + layer(2048, 10),
        layer(7 * 7 * 128, 1024) + layer(1024, 1024) + layer(1024, 1),
    ),
    "gtsrb": (
        layer(5 * 5 * 3, 96) + layer(3 * 3 * 96, 144) + layer(5 * 5 * 144, 256),
        layer(5 * 5 * 256, 512) + layer(512, 43),
        layer(5 * 5 * 256, 1024) + layer(1024, 1024) + layer(1024, 1),
    ),
}
QUARTER_OF_SVHN = (
    layer(5 * 5 * 3, 16) + layer(5 * 5 * 16, 16) + layer(5 * 5 * 16, 32),
    layer(7 * 7 * 32, 768) + layer(768, 512) + layer(512, 10),
    layer(7 * 7 * 32, 256) + layer(256, 256) + layer(256, 1),
)
SIDE = {"mnist": 32, "svhn": 32, "gtsrb": 40}


def sizes_of(variables):
    """Numbers of parameters: trunk, label head, domain head."""
    parts = (variables["params"][part] for part in ("trunk", "label_head", "domain_head"))
    return tuple(sum(leaf.size for leaf in jax.tree.leaves(part)) for part in parts)


@pytest.mark.parametrize("name", GANIN_NETS)
def test_parameters_are_those_of_figure_4(name):
    net = GANIN_NETS[name]()
    images = jax.ShapeDtypeStruct((2, SIDE[name], SIDE[name], 3), jnp.float32)
    (labels, domains), variables = jax.eval_shape(net.init_with_output, jax.random.key(0), images)
    assert sizes_of(variables) == PARAMETERS[name]
    assert labels.shape == (2, 43 if name == "gtsrb" else 10)
    assert domains.shape == (2,)
    assert set(variables) == {"params"}


def test_a_quarter_of_the_svhn_net_has_a_quarter_of_every_layer():
    net, images = GANIN_NETS["svhn"](width=0.25), jax.ShapeDtypeStruct((2, 32, 32, 3), jnp.float32)
    assert sizes_of(jax.eval_shape(net.init, jax.random.key(0), images)) == QUARTER_OF_SVHN


def test_predict_is_features_then_classify():
    net = GANIN_NETS["mnist"](norm=True, dropout=0.5)
    images = normal(1, (2, 32, 32, 3))
    variables = draws.variables(net, images)
    labels, _ = net.apply(variables, images, domains=(1,))
    predicted = net.apply(variables, images, domains=(1,), method="predict")
    np.testing.assert_array_equal(predicted, labels)
    assert variables["batch_stats"]["trunk"]["conv1"]["norm"]["mean"].shape == (2, 32)


def test_a_domain_head_that_judges_logits_leaves_the_label_head_as_it_is():
    """Behind gradient reversal the trunk is moved through the label head, and it is not."""
    net = GANIN_NETS["mnist"](classes=4).clone(judged="logits")
    features = normal(1, (3, 5 * 5 * 48))
    params = draws.variables(net, jnp.zeros((1, 32, 32, 3)))["params"]
    assert params["domain_head"]["fc1"]["kernel"].shape == (4, 100)

    def judge(params, features):
        return net.apply({"params": params}, features, method="discriminate")

    logits = net.apply({"params": params}, features, method="classify")
    expected = net.domain_head.apply({"params": params["domain_head"]}, logits)[:, 0]
    np.testing.assert_allclose(judge(params, features), expected, rtol=1e-5)

    of_params, of_features = jax.grad(lambda *args: judge(*args).sum(), argnums=(0, 1))(
        params, features
    )
    of_head = {
        name: max(np.abs(leaf).max() for leaf in jax.tree.leaves(of_params[name]))
        for name in ("label_head", "domain_head")
    }
    assert of_head["label_head"] == 0
    assert of_head["domain_head"] > 0
    by_chain = jax.grad(
        lambda features: net.domain_head.apply(
            {"params": params["domain_head"]},
            net.label_head.apply({"params": params["label_head"]}, features),
        ).sum()
    )(features)
    np.testing.assert_allclose(of_features, by_chain, rtol=1e-4, atol=1e-6)
