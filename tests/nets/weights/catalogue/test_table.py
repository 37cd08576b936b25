"""The table says of every net what can be checked without its weights."""

import jax
import jax.numpy as jnp
import pytest

from jtransfer.nets.weights.catalogue.clip import CLIP_TOWERS
from jtransfer.nets.weights.catalogue.table import PRETRAINED
from jtransfer.nets.weights.origins.address import Address

# Of large nets and of further weights of the same net one look in a while is enough.
NAMES = [
    pytest.param(name, marks=pytest.mark.slow)
    if entry.parameters > 5e7 or name.endswith(("_v2", "_a1", "_small_patch16"))
    else name
    for name, entry in PRETRAINED.items()
]


@pytest.mark.parametrize("name", NAMES)
def test_parameters_stages_and_names_are_the_nets(name):
    entry = PRETRAINED[name]
    net, size = entry.build(), entry.preprocessing.size
    images = jax.ShapeDtypeStruct((1, size, size, 3), jnp.float32)
    outputs, variables = jax.eval_shape(net.init_with_output, jax.random.key(0), images)
    params = dict(variables["params"])
    if entry.classes == 0:
        del params[entry.head]
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == entry.parameters
    assert entry.head == net.stage_names[-1]
    assert entry.classes is None or outputs.shape == (1, 1000)
    places = {path for place in entry.names.places().values() for path in place.paths}
    leaves = jax.tree_util.tree_leaves_with_path(variables)
    assert {tuple(key.key for key in path) for path, _ in leaves} <= places


@pytest.mark.parametrize("name", PRETRAINED)
def test_every_file_can_be_told_by_its_hash(name):
    entry = PRETRAINED[name]
    assert entry.origins
    for origin in entry.origins:
        assert set(origin.sha256) <= set("0123456789abcdef")
        if isinstance(origin, Address):
            assert len(origin.sha256) >= 8
            assert f"-{origin.sha256[:8]}." in origin.url
    assert 0 < (entry.top1 or 0.5) < 1


@pytest.mark.slow
@pytest.mark.parametrize("name", CLIP_TOWERS)
def test_both_towers_have_their_names(name):
    published = CLIP_TOWERS[name]
    images = jax.ShapeDtypeStruct((1, 224, 224, 3), jnp.float32)
    tokens = jax.ShapeDtypeStruct((1, 77), jnp.int32)
    variables = jax.eval_shape(published.build().init, jax.random.key(0), images, tokens)
    sizes = jax.tree.map(lambda leaf: leaf.size, variables["params"])
    # Radford et al. 2021, table 19: a text tower of 63 million.
    assert sum(jax.tree.leaves(sizes["text"])) == pytest.approx(63.4e6, rel=0.01)
    assert sum(jax.tree.leaves(sizes["image"])) == PRETRAINED[name].parameters
    places = {path for place in published.names.published().values() for path in place.paths}
    leaves = jax.tree_util.tree_leaves_with_path(variables)
    assert {tuple(key.key for key in path) for path, _ in leaves} <= places
