import jax.numpy as jnp
import optax
import pytest

from jtransfer.recipes.adaptation.descent import descent
from jtransfer.recipes.adaptation.options import Options


@pytest.mark.parametrize(("annealed", "last"), [(True, 0.1 * 8.5**-0.75), (False, 0.1)])
def test_the_rate_falls_where_it_is_annealed(annealed, last):
    options = Options(learning_rate=0.1, annealed=annealed, momentum=0.0)
    optimizer = descent(options, 4)["optimizer"]
    params = jnp.zeros(())
    state, steps = optimizer.init(params), []
    for _ in range(4):
        update, state = optimizer.update(jnp.ones(()), state, params)
        steps.append(float(update))
        params = optax.apply_updates(params, update)
    # At p = 0 and p = 3/4: .1 / (1 + 10 p)^.75.
    assert [steps[0], steps[-1]] == pytest.approx([-0.1, -last])
