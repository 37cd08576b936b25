import jax
import numpy as np
import pytest

from jtransfer.transfer.finetuning.layers import (
    LayerError,
    adopt,
    copy_layers,
    first_layers,
    last_layers,
    layer_names,
)
from tests.transfer import tiny_transfer as tiny


@pytest.fixture(scope="module")
def net():
    return tiny.net()


@pytest.fixture(scope="module")
def fresh(net):
    return tiny.variables(net, seed=1)


@pytest.fixture(scope="module")
def donor(net):
    """The same shapes, every leaf above 10."""
    return jax.tree.map(lambda leaf: np.abs(leaf) + 10, tiny.variables(net, seed=0))


def origin(variables):
    """Layers whose leaves, of all collections, are the donor's, those that are not, and mixed."""
    found = {}
    for tree in variables.values():
        layers = {f"trunk/{stage}": leaves for stage, leaves in tree["trunk"].items()}
        layers |= {"head": tree["head"]} if "head" in tree else {}
        for name, leaves in layers.items():
            found.setdefault(name, []).extend(
                bool((leaf >= 10).all()) for leaf in jax.tree.leaves(leaves)
            )
    return {name for name, given in found.items() if all(given)}, {
        name for name, given in found.items() if not any(given)
    }


def test_layers_are_the_stages_and_the_head(net):
    assert layer_names(net) == ("trunk/conv1", "trunk/conv2", "head")
    assert first_layers(net, 2) == ("trunk/conv1", "trunk/conv2")
    assert last_layers(net, 2) == ("trunk/conv2", "head")
    assert first_layers(net, 0) == last_layers(net, 0) == ()
    with pytest.raises(LayerError, match="4 layers; expected 0 to 3, since the net has trunk/conv"):
        first_layers(net, 4)
    with pytest.raises(LayerError, match="-1 layers"):
        last_layers(net, -1)


@pytest.mark.parametrize("count", range(4))
@pytest.mark.parametrize("named", [first_layers, last_layers])
def test_named_layers_are_the_donors_and_the_rest_is_new(net, fresh, donor, named, count):
    copied = set(named(net, count))
    assert origin(copy_layers(fresh, donor, named(net, count))) == (
        copied,
        set(layer_names(net)) - copied,
    )


def test_the_trees_are_not_touched(fresh, donor):
    made = copy_layers(fresh, donor, ("trunk/conv1",))
    assert jax.tree.structure(made) == jax.tree.structure(fresh)
    assert origin(fresh)[0] == set()


def test_statistics_go_with_their_layer(fresh, donor):
    made = copy_layers(fresh, donor, ("trunk/conv2",))
    for stage, origin in (("conv1", fresh), ("conv2", donor)):
        given, expected = (each["batch_stats"]["trunk"][stage]["norm"] for each in (made, origin))
        jax.tree.map(np.testing.assert_array_equal, given, expected)


def test_adopt_takes_all_but_what_is_named(fresh, donor):
    assert origin(adopt(fresh, donor)) == ({"trunk/conv1", "trunk/conv2", "head"}, set())
    assert origin(adopt(fresh, donor, reinitialise=("head",)))[1] == {"head"}
    assert origin(adopt(fresh, donor, reinitialise=("trunk",)))[0] == {"head"}


def test_a_part_of_the_head_by_name(donor):
    deep = tiny.net(hidden=(5,))
    new = tiny.variables(deep, seed=1)
    old = tiny.variables(deep, seed=0)
    made = adopt(new, old, reinitialise=("head/out",))["params"]["head"]
    np.testing.assert_array_equal(made["fc1"]["kernel"], old["params"]["head"]["fc1"]["kernel"])
    np.testing.assert_array_equal(made["out"]["kernel"], new["params"]["head"]["out"]["kernel"])


def test_a_head_with_another_number_of_classes(fresh):
    other = tiny.variables(tiny.net(classes=7))
    with pytest.raises(LayerError) as caught:
        adopt(fresh, other)
    message = str(caught.value)
    assert "The head there has 7 classes, the one here 3." in message
    assert "adopt(fresh, donor, reinitialise=('head',))" in message
    assert "head/out/kernel: [24, 7] there, [24, 3] here" in message
    assert origin(adopt(fresh, other, reinitialise=("head",)))


def test_another_architecture_lists_every_difference(net, fresh):
    other = tiny.variables(tiny.net(norm=False, hidden=(5,)))
    with pytest.raises(LayerError) as caught:
        adopt(fresh, other)
    lines = [line.strip() for line in str(caught.value).splitlines()[1:]]
    # In each stage a bias instead of scale, bias, mean and var; a hidden layer before head/out.
    assert len(lines) == 2 * 5 + 3
    assert "trunk/conv1/conv/bias: [4] there, nothing here" in lines
    assert "trunk/conv2/norm/mean: nothing there, [2, 6] here" in lines
    assert "head/out/kernel: [5, 3] there, [24, 3] here" in lines


def test_names_that_name_nothing(fresh, donor):
    with pytest.raises(LayerError, match=r"no layer 'trunk/conv3' in the net; .* trunk/conv"):
        copy_layers(fresh, donor, ("trunk/conv3",))
    with pytest.raises(LayerError, match="no layer 'haed' in the net; the closest are head"):
        adopt(fresh, donor, reinitialise=("haed",))
    # A path is no prefix of a name.
    with pytest.raises(LayerError, match="no layer 'trunk/conv'"):
        copy_layers(fresh, donor, ("trunk/conv",))
