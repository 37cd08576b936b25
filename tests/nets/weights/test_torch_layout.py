from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jtransfer.nets.weights.error import WeightsError
from jtransfer.nets.weights.layouts import (
    AS_IT_IS,
    from_torch,
    from_torch_flat,
    leading_layout,
    to_torch,
    to_torch_flat,
)
from jtransfer.nets.weights.torch_layout import Place, TorchNames, place_weights

NAMES = TorchNames(
    modules={"features.0": ("conv1",), "bn": ("conv1", "norm"), "classifier": ("fc",)},
    flat_maps={"classifier": (3, 2, 2)},
)
LEAF = partial(jax.ShapeDtypeStruct, dtype=jnp.float32)
NORM = {"mean": LEAF((3,)), "var": LEAF((3,))}
TEMPLATE = {
    "params": {
        "conv1": {
            "kernel": LEAF((1, 2, 1, 3)),
            "bias": LEAF((3,)),
            "norm": {"scale": LEAF((3,)), "bias": LEAF((3,))},
        },
        "fc": {"kernel": LEAF((12, 5)), "bias": LEAF((5,))},
    },
    "batch_stats": {"conv1": {"norm": NORM}},
}


@pytest.fixture
def arrays():
    """What a file holds for `TEMPLATE`."""
    shapes = {
        "features.0.weight": (3, 1, 1, 2),
        "features.0.bias": (3,),
        "bn.weight": (3,),
        "bn.bias": (3,),
        "bn.running_mean": (3,),
        "bn.running_var": (3,),
        "classifier.weight": (5, 12),
        "classifier.bias": (5,),
    }
    random = np.random.default_rng(0)
    return {name: random.normal(size=shape).astype("f4") for name, shape in shapes.items()}


def place(arrays, template=TEMPLATE):
    return place_weights(arrays, NAMES, template, net="net", source="x.pth")


@pytest.mark.parametrize("groups", [1, 2, 6], ids=["plain", "grouped", "depthwise"])
def test_convolutions_are_those_of_torch(groups):
    torch = pytest.importorskip("torch")
    conv = torch.nn.Conv2d(6, 12, (3, 2), groups=groups, bias=False)
    images = torch.randn(2, 6, 8, 9)
    ours = lax.conv_general_dilated(
        images.permute(0, 2, 3, 1).numpy(),
        from_torch(conv.weight.detach().numpy()),
        (1, 1),
        "VALID",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )
    theirs = conv(images).permute(0, 2, 3, 1).detach().numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_linear_layers_on_vectors_and_on_maps_are_those_of_torch():
    torch = pytest.importorskip("torch")
    maps, linear = torch.randn(4, 3, 2, 5), torch.nn.Linear(30, 7, bias=False)
    weights, theirs = linear.weight.detach().numpy(), linear(maps.flatten(1)).detach().numpy()
    vectors = maps.flatten(1).numpy()
    np.testing.assert_allclose(vectors @ from_torch(weights), theirs, atol=1e-5)
    vectors = maps.permute(0, 2, 3, 1).flatten(1).numpy()
    kernel = from_torch_flat(weights, maps=(3, 2, 5))
    np.testing.assert_allclose(vectors @ kernel, theirs, atol=1e-5)


def test_the_flatten_order_by_hand():
    """Two channels of one row of two pixels: torch has a0 a1 b0 b1, we have a0 b0 a1 b1."""
    weights = np.array([[10, 11, 20, 21]])
    kernel = from_torch_flat(weights, maps=(2, 1, 2))
    np.testing.assert_array_equal(kernel, [[10], [20], [11], [21]])
    np.testing.assert_array_equal(to_torch_flat(kernel, maps=(2, 1, 2)), weights)


@pytest.mark.parametrize("shape", [(4,), (4, 5), (4, 5, 2, 3)])
def test_the_way_back_undoes_the_way_here(shape):
    weights = np.arange(np.prod(shape)).reshape(shape)
    np.testing.assert_array_equal(to_torch(from_torch(weights)), weights)


def test_everything_comes_to_its_place(arrays):
    tree = place({**arrays, "bn.num_batches_tracked": np.array(7)})
    assert jax.tree.map(jnp.shape, tree) == jax.tree.map(lambda leaf: leaf.shape, TEMPLATE)
    conv1, statistics = tree["params"]["conv1"], tree["batch_stats"]["conv1"]["norm"]
    np.testing.assert_array_equal(conv1["kernel"][0, 1, 0], arrays["features.0.weight"][:, 0, 0, 1])
    np.testing.assert_array_equal(conv1["bias"], arrays["features.0.bias"])
    np.testing.assert_array_equal(conv1["norm"]["scale"], arrays["bn.weight"])
    np.testing.assert_array_equal(conv1["norm"]["bias"], arrays["bn.bias"])
    np.testing.assert_array_equal(statistics["mean"], arrays["bn.running_mean"])
    np.testing.assert_array_equal(statistics["var"], arrays["bn.running_var"])
    np.testing.assert_array_equal(tree["params"]["fc"]["bias"], arrays["classifier.bias"])


def test_arrays_are_copies_of_the_templates_type(arrays):
    arrays["features.0.bias"] = np.array([1, 2, 3], np.float16)
    arrays["bn.bias"].flags.writeable = False
    leaves = jax.tree.leaves(place(arrays))
    assert all(leaf.dtype == np.float32 and leaf.flags.c_contiguous for leaf in leaves)
    assert all(leaf.flags.writeable for leaf in leaves)


def test_names_and_layouts_of_our_own_are_taken_as_they_are(arrays):
    expected = place(arrays)
    params, statistics = expected["params"], expected["batch_stats"]["conv1"]["norm"]
    ours = {
        "conv1.kernel": params["conv1"]["kernel"],
        "conv1.bias": params["conv1"]["bias"],
        "conv1.norm.scale": params["conv1"]["norm"]["scale"],
        "conv1.norm.bias": params["conv1"]["norm"]["bias"],
        "conv1.norm.mean": statistics["mean"],
        "conv1.norm.var": statistics["var"],
        "fc.kernel": params["fc"]["kernel"],
        "fc.bias": params["fc"]["bias"],
    }
    jax.tree.map(np.testing.assert_array_equal, place(ours), expected)


def test_stages_that_the_template_lacks_are_left_out(arrays):
    template = {"params": {"fc": TEMPLATE["params"]["fc"]}}
    assert jax.tree.map(jnp.shape, place(arrays, template)) == {
        "params": {"fc": {"kernel": (12, 5), "bias": (5,)}}
    }


def test_all_differences_are_listed_in_one_error(arrays):
    del arrays["features.0.bias"]
    arrays["classifier.weight"] = np.zeros((5, 13), np.float32)
    arrays["bn.running_mean"][1] = np.nan
    arrays["bn.running_var"] = np.zeros(3, int)
    arrays["classifier.gain"] = np.zeros(5, np.float32)
    arrays["fc9.weight"] = np.zeros((5, 5), np.float32)
    arrays["fc.bias"] = arrays["classifier.bias"]
    arrays["conv1.norm.scale"] = arrays.pop("bn.weight")[:, None]
    with pytest.raises(WeightsError) as caught:
        place(arrays)
    first, *lines = str(caught.value).splitlines()
    assert first.startswith("x.pth does not fit net; expected the file of this net")
    assert first.endswith("Differences (1 missing, 2 unexpected, 5 not fitting):")
    assert [line.removeprefix("  ") for line in lines] == [
        "params/conv1/bias [3]: not in the file, where it would be features.0.bias",
        "classifier.gain [5]: no part of net; close is classifier.bias",
        "fc9.weight [5, 5]: no part of net",
        "bn.running_mean: batch_stats/conv1/norm/mean holds NaN or infinity, as float32",
        "bn.running_var: batch_stats/conv1/norm/var is int64, expected floating point",
        "classifier.weight: params/fc/kernel is [13, 5] as laid out here, expected [12, 5]",
        "fc.bias: params/fc/bias is in the file twice",
        "conv1.norm.scale: params/conv1/norm/scale is [3, 1] as laid out here, expected [3]",
    ]


def test_many_differences_are_counted_and_the_first_are_listed():
    """Names of another net, in great numbers and of great length, take no time."""
    arrays = {f"block{number}.{'x' * (number % 500)}": np.zeros(1) for number in range(20_000)}
    with pytest.raises(WeightsError) as caught:
        place(arrays)
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("Differences (8 missing, 20,000 unexpected, 0 not fitting):")
    assert len(lines) == 1 + 8 + 20 + 1
    assert lines[-1] == "  ... and 19,980 more unexpected"
    assert max(map(len, lines)) < 300


@pytest.mark.parametrize("value", [1e300, np.float64(3.5e38)])
def test_numbers_beyond_the_templates_type_are_differences(arrays, value):
    arrays["classifier.bias"] = np.full(5, value)
    with pytest.raises(WeightsError, match="params/fc/bias holds NaN or infinity, as float32"):
        place(arrays)
    arrays["classifier.bias"] = np.full(5, 1 / 3)
    assert place(arrays)["params"]["fc"]["bias"].dtype == np.float32


@pytest.mark.parametrize("name", ["bfloat16", "float16", "float64", "float8_e4m3fn"])
def test_floating_point_of_any_width_is_taken(arrays, name):
    arrays["classifier.bias"] = np.array([0, 1, -2, 0.5, 4]).astype(name)
    np.testing.assert_array_equal(place(arrays)["params"]["fc"]["bias"], [0, 1, -2, 0.5, 4])


def test_a_head_of_other_classes_can_be_left_out(arrays):
    arrays["classifier.weight"] = np.zeros((7, 12), np.float32)
    arrays["classifier.bias"] = np.zeros(7, np.float32)
    says = r"2 not fitting\).*\n.*\n.*\nOnly the head differs.*To leave fc out, give without='fc'"
    with pytest.raises(WeightsError, match=says):
        place(arrays)
    del arrays["classifier.bias"], arrays["classifier.weight"]
    with pytest.raises(WeightsError, match=r"2 missing.*\n.*\n.*\nOnly the head differs"):
        place(arrays)
    # What is said is what helps.
    without = {collection: {"conv1": tree["conv1"]} for collection, tree in TEMPLATE.items()}
    assert place(arrays, without).keys() == {"params", "batch_stats"}
    del arrays["features.0.bias"]
    with pytest.raises(WeightsError) as caught:
        place(arrays)
    assert "Only the head" not in str(caught.value)


def test_what_a_stage_of_the_template_has_no_use_for_is_a_difference(arrays):
    template = {"params": {"fc": {"kernel": LEAF((12, 5))}}}
    with pytest.raises(
        WeightsError, match=r"1 unexpected.*\n  classifier\.bias \[5\]: the net has no"
    ):
        place(arrays, template)


@pytest.mark.parametrize("shape", [(), (5,), (5, 12, 1), (0, 12)])
def test_a_kernel_of_any_shape_is_only_a_difference(arrays, shape):
    arrays["classifier.weight"] = np.zeros(shape, np.float32)
    with pytest.raises(WeightsError, match=r"classifier\.weight: params/fc/kernel is \["):
        place(arrays)


FUSED = TorchNames(
    modules={"norm1": ("block", "attention_norm"), "proj": ("block", "out")},
    entries={
        "cls_token": Place((("params", "block", "class_token"),), leading_layout(2)),
        "projection": Place((("params", "block", "projection"),), AS_IT_IS),
        **{
            f"attn.in_proj_{kind}": Place(
                tuple(("params", "block", name, leaf) for name in ("query", "key", "value"))
            )
            for kind, leaf in (("weight", "kernel"), ("bias", "bias"))
        },
    },
    unused=("mask_token", "text."),
)
FUSED_ARRAYS = {
    "cls_token": np.arange(2.0).reshape(1, 1, 2),
    "projection": np.arange(6.0).reshape(2, 3),
    "attn.in_proj_weight": np.arange(12.0).reshape(6, 2),
    "attn.in_proj_bias": np.arange(6.0),
    "norm1.weight": np.arange(2.0),
    "norm1.bias": np.arange(2.0),
}
FUSED_TREE = {
    "class_token": [0, 1],
    "projection": [[0, 1, 2], [3, 4, 5]],  # as it is
    "query": {"kernel": [[0, 2], [1, 3]], "bias": [0, 1]},
    "key": {"kernel": [[4, 6], [5, 7]], "bias": [2, 3]},
    "value": {"kernel": [[8, 10], [9, 11]], "bias": [4, 5]},
    "attention_norm": {"scale": [0, 1], "bias": [0, 1]},
}
FUSED_TEMPLATE = {
    "params": {
        "block": jax.tree.map(
            lambda leaf: LEAF(np.shape(leaf)), FUSED_TREE, is_leaf=lambda x: isinstance(x, list)
        )
    }
}


def place_fused(arrays):
    return place_weights(arrays, FUSED, FUSED_TEMPLATE, net="net", source="x.pth")


def test_a_fused_layer_and_raw_leaves_by_hand():
    extra = {"mask_token": np.zeros(7), "text.block.weight": np.zeros(3)}
    block = place_fused({**FUSED_ARRAYS, **extra})["params"]["block"]
    assert jax.tree.map(np.ndarray.tolist, block) == FUSED_TREE


def test_leaves_of_a_fused_layer_are_understood_by_their_own_names():
    tree = place_fused(FUSED_ARRAYS)
    arrays = {name: array for name, array in FUSED_ARRAYS.items() if "in_proj" not in name}
    for name in ("query", "key", "value"):
        for leaf, array in tree["params"]["block"][name].items():
            arrays[f"block.{name}.{leaf}"] = array
    jax.tree.map(np.testing.assert_array_equal, place_fused(arrays), tree)


def test_what_does_not_fit_of_a_fused_layer_is_said():
    arrays = {**FUSED_ARRAYS, "attn.in_proj_weight": np.zeros((7, 2))}
    arrays["cls_token"] = np.zeros((2, 1, 2))
    del arrays["attn.in_proj_bias"]
    with pytest.raises(WeightsError) as caught:
        place_fused(arrays)
    assert [line.removeprefix("  ") for line in str(caught.value).splitlines()[1:]] == [
        "params/block/key/bias [2]: not in the file, where it would be attn.in_proj_bias",
        "params/block/query/bias [2]: not in the file, where it would be attn.in_proj_bias",
        "params/block/value/bias [2]: not in the file, where it would be attn.in_proj_bias",
        "cls_token: params/block/class_token is [2, 1, 2] as laid out here, expected [2]",
        "attn.in_proj_weight [7, 2]: expected 3 equal parts in a row",
    ]
