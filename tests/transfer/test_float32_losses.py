"""However a net computes, its losses are computed in float32: read from the programs, unrun."""

import jax
import jax.numpy as jnp
import pytest
from jax.extend.core import jaxprs_in_params

from jtransfer.train.precision import in_bfloat16
from tests.train import games

# What losses are made of, and these nets are not.
ARITHMETIC = {"exp", "log", "log1p", "logistic", "abs", "square", "integer_pow", "reduce_sum"}


def equations(program):
    """All of a program, those of the programs within it too."""
    for equation in program.eqns:
        yield equation
        for within in jaxprs_in_params(equation.params):
            yield from equations(within)


@pytest.mark.parametrize("name", games.METHODS)
def test_no_loss_is_computed_in_bfloat16(name):
    loss, variables, _ = games.method(name)
    take = games.gather_numbers if name == "translation" else games.gather
    feed = games.Feed()
    batch = take(feed.constants, feed.inputs(0))
    stats = {collection: tree for collection, tree in variables.items() if collection != "params"}
    program = jax.make_jaxpr(in_bfloat16(loss, inputs=("image", "feature")))(
        variables["params"], stats, batch, jax.random.key(0), jnp.asarray(0.5)
    )
    value, *_ = program.out_avals
    assert value.dtype == jnp.float32
    rounded = [
        equation
        for equation in equations(program.jaxpr)
        if equation.primitive.name in ARITHMETIC
        and any(getattr(each.aval, "dtype", None) == jnp.bfloat16 for each in equation.invars)
    ]
    assert not rounded
    assert "bf16" in str(program)
