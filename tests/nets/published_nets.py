"""Nets of torchvision and timm as oracles: their weights in ours, and their stages beside ours."""

from collections.abc import Mapping
from functools import partial
from types import ModuleType
from typing import Any

import jax
import numpy as np
import pytest

from experiments import torchvision_loading
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.weights.torch_layout import TorchNames, place_weights


def torchvision() -> ModuleType:
    """torchvision, or the test is skipped."""
    try:
        return torchvision_loading.torchvision()
    except ImportError:
        pytest.skip("needs torchvision")


def timm() -> ModuleType:
    """timm, or the test is skipped."""
    torchvision()
    return pytest.importorskip("timm")


def images_of(height: int, width: int, *, batch: int = 2) -> np.ndarray:
    """Random ones, [batch, height, width, 3]."""
    return np.random.default_rng(0).normal(size=(batch, height, width, 3)).astype(np.float32)


def published_outputs(
    rival: Any, modules: Mapping[str, str], images: np.ndarray
) -> dict[str, np.ndarray]:
    """What modules of a rival give: {stage: [batch, height, width, channels] or [batch, features]}.

    Args:
      rival: the net, a torch module.
      modules: the module by which each of our stages ends.
      images: [batch, height, width, 3].
    """
    import torch

    outputs: dict[str, np.ndarray] = {}

    def keep(stage: str, module: Any, inputs: Any, output: Any) -> None:
        array = output.detach().numpy()
        outputs[stage] = np.moveaxis(array, 1, -1) if array.ndim == 4 else array

    hooks = [
        rival.get_submodule(module).register_forward_hook(partial(keep, stage))
        for stage, module in modules.items()
    ]
    with torch.no_grad():
        rival(torch.from_numpy(images).permute(0, 3, 1, 2))
    for hook in hooks:
        hook.remove()
    return outputs


def weights_of(rival: Any, net: Trunk, names: TorchNames, images: np.ndarray) -> dict[str, Any]:
    """Our variables from a rival's weights."""
    template = jax.eval_shape(net.init, jax.random.key(0), images)
    weights = {name: array.numpy() for name, array in rival.state_dict().items()}
    return place_weights(weights, names, template, net="the net", source="the rival")


def same_stages(
    net: Trunk, variables: Mapping[str, Any], images: np.ndarray, expected: Mapping[str, np.ndarray]
) -> None:
    """Every stage gives what is expected, to 1e-4 of its deviation."""
    assert tuple(expected) == net.stage_names
    _, taps = jax.jit(partial(net.apply, taps=net.stage_names))(variables, images)
    for stage, wanted in expected.items():
        wanted = wanted.reshape(taps[stage].shape) if taps[stage].ndim == 2 else wanted
        spread = float(wanted.std())
        assert spread > 0.1, stage
        np.testing.assert_allclose(taps[stage], wanted, rtol=0, atol=1e-4 * spread, err_msg=stage)
