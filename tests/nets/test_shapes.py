"""What goes into and comes out of a net, as its docstrings say it."""

import jax
import jax.numpy as jnp
import pytest
from beartype import beartype
from jaxtyping import Array, Float, TypeCheckError, jaxtyped

from jtransfer.nets.ganin import mnist_net

NET = mnist_net(classes=7)


@jaxtyped(typechecker=beartype)
def features(
    variables: dict, images: Float[Array, "batch height width 3"]
) -> Float[Array, "batch 1200"]:
    return NET.apply(variables, images, method="features")


@jaxtyped(typechecker=beartype)
def logits(
    variables: dict, images: Float[Array, "batch height width 3"]
) -> tuple[Float[Array, "batch 7"], Float[Array, " batch"]]:
    return NET.apply(variables, images)


@pytest.fixture(scope="module")
def variables():
    return jax.eval_shape(NET.init, jax.random.key(0), jnp.zeros((1, 32, 32, 3)))


def test_features_and_logits_have_the_stated_shapes(variables):
    images = jax.ShapeDtypeStruct((5, 32, 32, 3), jnp.float32)
    assert jax.eval_shape(features, variables, images).shape == (5, 1200)
    labels, domains = jax.eval_shape(logits, variables, images)
    assert (labels.shape, domains.shape) == ((5, 7), (5,))


def test_another_size_of_image_does_not_fit(variables):
    images = jax.ShapeDtypeStruct((5, 28, 28, 3), jnp.float32)
    with pytest.raises((TypeCheckError, ValueError, TypeError)):
        jax.eval_shape(features, variables, images)
