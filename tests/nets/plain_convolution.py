"""XLA's own convolution, which all formulations must equal, with their gradients."""

import jax
import numpy as np
from jax import lax

from tests.draws import normal


def plain(images, kernel, *, stride=1, padding="VALID", groups=1):
    return lax.conv_general_dilated(
        images,
        kernel,
        (stride, stride),
        padding,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )


def same_with_gradients(ours, theirs, images, kernel):
    weights = normal(2, jax.eval_shape(theirs, images, kernel).shape)

    def with_gradients(function):
        def total(images, kernel):
            outputs = function(images, kernel)
            return (outputs * weights).sum(), outputs

        return jax.jit(jax.value_and_grad(total, (0, 1), has_aux=True))(images, kernel)

    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4),
        with_gradients(ours),
        with_gradients(theirs),
    )
