"""The same net, parameters and batch in PyTorch give the same loss and gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jtransfer.nets.ganin import mnist_net
from jtransfer.transfer.dann import dann_loss

torch = pytest.importorskip("torch", reason="needs PyTorch: make test-all installs it")


def test_loss_and_gradients_equal_pytorchs():
    from experiments.torch_dann import MnistNet

    random = np.random.default_rng(0)
    source, target = random.normal(size=(2, 3, 32, 32, 3)).astype(np.float32)
    labels = np.array([3, 1, 4], np.int32)
    net = mnist_net()
    params = net.init(jax.random.key(0), jnp.zeros((1, 32, 32, 3)))["params"]
    batch = {"source": {"image": source, "label": labels}, "target": {"image": target}}
    loss = dann_loss(net, reversal=lambda _: jnp.asarray(0.3))

    def total(params):
        return loss(params, {}, batch, jax.random.key(0), jnp.asarray(0.5))[0]

    value, gradients = jax.jit(jax.value_and_grad(total))(params)
    rival = MnistNet()
    rival.load(params)
    images = [torch.from_numpy(each).permute(0, 3, 1, 2) for each in (source, target)]
    theirs = rival.losses(images[0], torch.from_numpy(labels).long(), images[1], 0.3)
    theirs.backward()
    np.testing.assert_allclose(value, theirs.item(), rtol=1e-5)

    # The gradients travel the way of the parameters: loaded as such, they must equal PyTorch's.
    carrier = MnistNet()
    carrier.load(gradients)
    for (name, ours), parameter in zip(carrier.named_parameters(), rival.parameters(), strict=True):
        np.testing.assert_allclose(
            ours.detach(), parameter.grad, rtol=1e-3, atol=1e-5, err_msg=name
        )
