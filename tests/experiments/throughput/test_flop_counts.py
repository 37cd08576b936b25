import math

import jax
import pytest

from experiments.throughput import flop_counts
from experiments.throughput.flop_counts import Layer, forward, square, training
from experiments.throughput.random_data import Size
from experiments.throughput.timed_steps import TIMED
from jtransfer.nets.vit import VIT


def test_two_layers_by_hand():
    # 4 positions x 9 x 2 weights each x 5 outputs, a multiplication and an addition: 720.
    first = square(2, 3, 2, 5)
    assert first == Layer(4, 18, 5)
    assert first.flop == 720
    second = flop_counts.dense(20, 3)[0]
    assert second.flop == 120
    assert forward([first, second]) == 840
    # There, back to the weights of both, and back to the inputs of the second.
    assert training([first, second]) == 840 + 840 + 120
    assert training([first, second], from_images=False) == 3 * 840


def test_the_mnist_nets_step_by_hand():
    """Section by section, on one image of each domain."""
    convs = 28 * 28 * 75 * 32 + 10 * 10 * 800 * 48
    trunk = 2 * (3 * convs - 28 * 28 * 75 * 32)
    label = 3 * (1200 * 100 + 100 * 100 + 100 * 10)
    domain = 2 * 3 * (1200 * 100 + 100)
    assert flop_counts.dann("mnist", batch=1, classes=10) == 2 * (trunk + label + domain)
    with pytest.raises(ValueError, match="expected mnist, svhn or gtsrb"):
        flop_counts.dann("lenet", batch=1, classes=10)


def test_published_counts():
    """.71 billion products of AlexNet (Krizhevsky 2014, as torchvision), .40 of Lite0 (Google)."""
    alexnet = flop_counts.alexnet(224) + flop_counts.dense(9216, 4096, 4096, 1000)
    assert forward(alexnet) / 2 == pytest.approx(0.71e9, rel=0.01)
    lite0 = flop_counts.efficientnet_lite0(224) + flop_counts.dense(1280, 1000)
    # Google states 407 million for Lite0.
    assert forward(lite0) / 2 == pytest.approx(0.4e9, rel=0.05)
    # torchvision states 1.81, 4.09 and 4.46 billion for ResNet-18, ResNet-50 and ConvNeXt-T.
    resnet18 = flop_counts.resnet(18, 224) + flop_counts.dense(512, 1000)
    assert forward(resnet18) / 2 == pytest.approx(1.814e9, rel=0.001)
    resnet50 = flop_counts.resnet(50, 224) + flop_counts.dense(2048, 1000)
    assert forward(resnet50) / 2 == pytest.approx(4.089e9, rel=0.001)
    convnext = flop_counts.convnext("tiny", 224) + flop_counts.dense(768, 1000)
    assert forward(convnext) / 2 == pytest.approx(4.456e9, rel=0.001)
    # Touvron et al. 2021, table 5, state 4.6 billion for the small vision transformer.
    small = flop_counts.vit(VIT["small"], 224) + flop_counts.dense(384, 1000)
    assert forward(small) / 2 == pytest.approx(4.6e9, rel=0.005)
    assert flop_counts.alexnet_features(224) == 9216
    assert flop_counts.alexnet_features(160) == 256 * 4 * 4


def xla_count(name, size):
    """Of the plain formulation, without the optimizer's few operations a parameter."""
    work = TIMED[name].build(size)
    arguments = work.state, work.feed.constants, work.feed.inputs(0)
    plain = work.step.trace(*arguments).lower(lowering_platforms=("cuda",)).cost_analysis()
    params = jax.tree.leaves(getattr(work.state, "params", ()))
    return plain["flops"] - 6 * sum(each.size for each in params)


def zeros_of_padding(layers, kernels, outside):
    """Operations a training image takes with the padding's zeros, which XLA leaves out.

    `outside` counts the windows' pixels that lie outside, of a line of maps.
    """
    total = 0.0
    for number, (layer, kernel, lost) in enumerate(zip(layers, kernels, outside, strict=True)):
        side = math.isqrt(layer.positions)
        passes = 3 if number else 2  # the first layer's inputs need no gradient
        total += passes * layer.flop * (1 - (1 - lost / (side * kernel)) ** 2)
    return total


@pytest.mark.parametrize(
    ("name", "size", "images", "padded"),
    [
        ("dann-mnist", Size(4, 32, domains=2), 8, None),
        pytest.param(
            "dann-svhn",
            Size(4, 32, domains=2),
            8,
            (flop_counts.ganin("svhn"), (5, 5, 5), (6, 6, 6)),
            marks=pytest.mark.slow,
        ),
        (
            "dann-gtsrb",
            Size(4, 40, classes=43, width=0.5, domains=2),
            8,
            (flop_counts.ganin("gtsrb", width=0.5), (5, 3, 5), (6, 2, 6)),
        ),
        pytest.param("lite0-forward", Size(1, 64, classes=10), 1, None, marks=pytest.mark.slow),
        pytest.param("lite0-tuning", Size(2, 64, classes=10), 2, None, marks=pytest.mark.slow),
        pytest.param(
            "alexnet-tuning",
            Size(4, 160, classes=10),
            4,
            (flop_counts.alexnet(160), (11, 5, 3, 3, 3), (3, 6, 2, 2, 2)),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_counts_beside_xlas(name, size, images, padded):
    zeros = images * zeros_of_padding(*padded) if padded else 0.0
    assert TIMED[name].flop(size) - zeros == pytest.approx(xla_count(name, size), rel=0.03)
