import jax
import numpy as np
import pytest
from flax.traverse_util import unflatten_dict
from safetensors.numpy import load_file

from jtransfer.nets.weights.error import WeightsError
from jtransfer.nets.weights.layouts import AS_IT_IS, leading_layout
from jtransfer.nets.weights.publishing import to_published, write_published
from jtransfer.nets.weights.torch_layout import Place, TorchNames, place_weights

NAMES = TorchNames(
    modules={"conv": ("stem", "conv"), "bn": ("stem", "norm"), "out": ("fc",)},
    flat_maps={"out": (3, 2, 2)},
    entries={
        "scale": Place((("params", "scale"),)),
        "cls": Place((("params", "stem", "token"),), leading_layout(2)),
        "proj": Place((("params", "stem", "proj"),), AS_IT_IS),
        "qkv.weight": Place(tuple(("params", "stem", name, "kernel") for name in "qkv")),
    },
)
SHAPES = {
    "scale": (),
    "conv.weight": (3, 2, 5, 4),
    "conv.bias": (3,),
    "bn.weight": (3,),
    "bn.bias": (3,),
    "bn.running_mean": (3,),
    "bn.running_var": (3,),
    "out.weight": (6, 12),
    "out.bias": (6,),
    "cls": (1, 1, 3),
    "proj": (2, 5),
    "qkv.weight": (9, 2),
}


@pytest.fixture(scope="module")
def arrays():
    random = np.random.default_rng(0)
    return {name: random.normal(size=shape).astype("f4") for name, shape in SHAPES.items()}


@pytest.fixture
def variables(arrays):
    """The tree of `arrays`."""
    leaves = {}
    for entry, place in NAMES.published().items():
        leaves.update(zip(place.paths, place.leaves(arrays[entry]), strict=True))
    return place_weights(arrays, NAMES, unflatten_dict(leaves), net="net", source="x")


def test_there_and_back_is_the_file(arrays, variables):
    back = to_published(jax.device_put(variables), NAMES)
    count = back.pop("bn.num_batches_tracked")
    assert (count.dtype, count.shape, int(count)) == (np.int64, (), 0)
    assert back.keys() == arrays.keys()
    jax.tree.map(np.testing.assert_array_equal, back, dict(arrays))


def test_stages_may_be_missing(variables):
    trunk = {"params": {"stem": variables["params"]["stem"]}}
    assert to_published(trunk, NAMES).keys() == {
        "conv.weight", "conv.bias", "bn.weight", "bn.bias", "cls", "proj", "qkv.weight",
    }  # fmt: skip


def test_leaves_without_a_name_are_refused(variables):
    variables["params"]["head"] = {"kernel": np.zeros((2, 2)), "bias": np.zeros(2)}
    with pytest.raises(WeightsError, match=r"hold params/head/kernel, params/head/bias, which"):
        to_published(variables, NAMES)


def test_half_of_an_entry_is_refused(variables):
    del variables["params"]["stem"]["k"]
    with pytest.raises(WeightsError, match=r"qkv\.weight .* lack params/stem/k/kernel; expected"):
        to_published(variables, NAMES)


def test_statistics_of_several_domains_are_refused(variables):
    variables["batch_stats"] = jax.tree.map(lambda x: np.stack([x, x]), variables["batch_stats"])
    with pytest.raises(WeightsError, match=r"stem/norm/mean is \[2, 3\], statistics of 2 domains"):
        to_published(variables, NAMES)
    one = jax.tree.map(lambda each: each[1], variables["batch_stats"])
    assert to_published({**variables, "batch_stats": one}, NAMES)["bn.running_var"].shape == (3,)


def test_a_file_is_whole_and_not_replaced_unasked(arrays, variables, tmp_path):
    path = tmp_path / "net.safetensors"
    write_published(path, variables, NAMES)
    read = load_file(path)
    np.testing.assert_array_equal(read["conv.weight"], arrays["conv.weight"])
    with pytest.raises(WeightsError, match=r"net\.safetensors is there already; .* overwrite=True"):
        write_published(path, variables, NAMES)
    variables["params"]["fc"]["bias"] = arrays["out.bias"] + 1
    write_published(path, variables, NAMES, overwrite=True)
    np.testing.assert_array_equal(load_file(path)["out.bias"], arrays["out.bias"] + 1)
    assert list(tmp_path.iterdir()) == [path]


def test_torchs_modules_load_it_strictly(tmp_path):
    torch = pytest.importorskip("torch")
    safetensors = pytest.importorskip("safetensors.torch")
    theirs = torch.nn.ModuleDict(
        {
            "conv": torch.nn.Conv2d(2, 3, 3),
            "bn": torch.nn.BatchNorm2d(3),
            "out": torch.nn.Linear(3, 4),
        }
    )
    names = TorchNames({"conv": ("stem", "conv"), "bn": ("stem", "norm"), "out": ("fc",)})
    random = np.random.default_rng(0)
    vector = lambda size: random.normal(size=size).astype("f4")  # noqa: E731
    stem = {
        "conv": {"kernel": vector((3, 3, 2, 3)), "bias": vector(3)},
        "norm": {"scale": vector(3), "bias": vector(3)},
    }
    variables = {
        "params": {"stem": stem, "fc": {"kernel": vector((3, 4)), "bias": vector(4)}},
        "batch_stats": {"stem": {"norm": {"mean": vector(3), "var": vector(3)}}},
    }
    write_published(tmp_path / "x.safetensors", variables, names)
    theirs.load_state_dict(safetensors.load_file(tmp_path / "x.safetensors"), strict=True)
    weight = theirs["conv"].weight.detach().numpy()
    np.testing.assert_array_equal(weight[2, 1], stem["conv"]["kernel"][:, :, 1, 2])
