"""The same weights give the same outputs at every layer, here and in PyTorch."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.alexnet import alexnet_2014
from jtransfer.nets.efficientnet_lite import efficientnet_lite
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.weights.pretrained import load_pretrained

torch = pytest.importorskip("torch")

from experiments.throughput.rivals.alexnet import AlexNet2014  # noqa: E402
from experiments.throughput.rivals.efficientnet import EfficientNetLite0, randomised  # noqa: E402


def compare(net: Trunk, name: str, rival, size: int, path, *, as_zip: bool, until: str):
    """Give the rival's weights to the net by a file, and compare the stages on random images."""
    images = np.random.default_rng(0).normal(size=(2, size, size, 3)).astype(np.float32)
    with torch.no_grad():
        expected = rival(torch.from_numpy(images).permute(0, 3, 1, 2))
    torch.save(rival.state_dict(), path, _use_new_zipfile_serialization=as_zip)
    initialise = partial(net.init, until=until)
    template = jax.eval_shape(initialise, jax.random.key(0), jnp.asarray(images))
    variables = load_pretrained(name, template, path=path).variables
    assert jax.tree.map(jnp.shape, variables) == jax.tree.map(jnp.shape, template)
    forward = jax.jit(partial(net.apply, until=until, taps=tuple(expected)))
    _, taps = forward(variables, images)
    assert tuple(expected) == net.stage_names[: len(expected)]
    assert list(expected)[-1] == until
    for stage, outputs in expected.items():
        wanted = outputs.numpy() if outputs.ndim == 2 else outputs.permute(0, 2, 3, 1).numpy()
        spread = wanted.std()
        assert spread > 0.1, stage
        np.testing.assert_allclose(taps[stage], wanted, rtol=0, atol=1e-4 * spread, err_msg=stage)


@pytest.mark.parametrize("until", ["conv5", pytest.param("fc8", marks=pytest.mark.slow)])
def test_alexnet_2014(tmp_path, until):
    rival = randomised(AlexNet2014(until))
    file = tmp_path / "alexnet.pth"
    compare(alexnet_2014(), "alexnet_2014", rival, 224, file, as_zip=True, until=until)


def test_efficientnet_lite0(tmp_path):
    rival, net = randomised(EfficientNetLite0(classes=10)), efficientnet_lite(0, classes=10)
    file = tmp_path / "lite0.pth"
    compare(net, "efficientnet_lite0", rival, 64, file, as_zip=False, until="fc")
