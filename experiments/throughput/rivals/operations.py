"""The operations of layers in PyTorch, channels last as in its steps."""

from collections.abc import Callable

import torch  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]

from experiments.throughput.layer_operations import WEIGHTLESS, Operation


def torch_program(operation: Operation) -> Callable[[], torch.Tensor | tuple[torch.Tensor, ...]]:
    """A call that computes the operation's part of the layer."""
    inputs, weights, gradient = (torch.from_numpy(each) for each in operation.arrays())
    if operation.kind in ("convolution", "depthwise"):
        return _convolution(operation, inputs, weights, gradient)
    if operation.kind in ("pool", "norm"):
        # Views: the memory stays channels last.
        inputs, gradient = (each.permute(0, 3, 1, 2) for each in (inputs, gradient))
    inputs.requires_grad_()
    moving = [inputs] if operation.kind in WEIGHTLESS else [inputs, weights.requires_grad_()]

    def layer() -> torch.Tensor:
        if operation.kind == "pool":
            window, stride = operation.weights
            return functional.max_pool2d(inputs, window, stride)
        if operation.kind in ("dense", "tokens"):
            return inputs @ weights
        if operation.kind == "attention":
            return _attention(operation, inputs)
        if operation.kind == "layer norm":
            return functional.layer_norm(inputs, weights.shape, weights, eps=1e-6)
        if operation.kind == "gelu":
            return functional.gelu(inputs)
        return functional.relu6(inputs * weights[:, None, None] + 1.0)

    return lambda: torch.autograd.grad(layer(), moving, gradient)


def _attention(operation: Operation, inputs: torch.Tensor) -> torch.Tensor:
    batch, count = inputs.shape[:2]
    heads = inputs.reshape(batch, count, 3, *operation.weights).permute(2, 0, 3, 1, 4)
    seen = functional.scaled_dot_product_attention(*heads.unbind(0))
    return seen.transpose(1, 2).reshape(operation.outputs)


def _convolution(
    operation: Operation, inputs: torch.Tensor, weights: torch.Tensor, gradient: torch.Tensor
) -> Callable[[], torch.Tensor]:
    groups = operation.inputs[-1] if operation.kind == "depthwise" else 1
    stride, around = [operation.stride] * 2, [operation.around] * 2
    inputs, gradient = (each.permute(0, 3, 1, 2) for each in (inputs, gradient))
    weights = weights.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
    if operation.part == "forward":
        return lambda: functional.conv2d(
            inputs, weights, stride=stride, padding=around, groups=groups
        )
    of_images = operation.part == "images' gradient"
    return lambda: torch.ops.aten.convolution_backward(
        *(gradient, inputs, weights, None, stride, around, [1, 1], False, [0, 0], groups),
        [of_images, not of_images, False],
    )[0 if of_images else 1]
