"""The rivals that are written anew compute what the publishers' nets do, of the same weights."""

import pytest

from tests.nets.published_nets import timm, torchvision

torch = pytest.importorskip("torch", reason="needs PyTorch: make test-all installs it")

from experiments.throughput.rivals.convnext import ConvNeXtTiny  # noqa: E402
from experiments.throughput.rivals.efficientnet import randomised  # noqa: E402
from experiments.throughput.rivals.resnet import ResNet  # noqa: E402
from experiments.throughput.rivals.vit import VisionTransformer  # noqa: E402
from jtransfer.nets.vit import VIT  # noqa: E402


def same(ours, theirs, height=40, width=36):
    ours, theirs = ours.eval(), randomised(theirs)
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(1, 3, height, width)
    with torch.inference_mode():
        wanted, given = theirs(images), ours(images)
    given = given["fc"] if isinstance(given, dict) else given
    torch.testing.assert_close(given, wanted, rtol=1e-4, atol=1e-4 * float(wanted.std()))


@pytest.mark.parametrize(
    ("depth", "blocks", "bottleneck"), [(18, (2, 2, 2, 2), False), (50, (3, 4, 6, 3), True)]
)
def test_resnet(depth, blocks, bottleneck):
    theirs = getattr(torchvision().models, f"resnet{depth}")(num_classes=7)
    same(ResNet(blocks, bottleneck=bottleneck, classes=7), theirs)


def test_convnext():
    same(ConvNeXtTiny(classes=7), timm().create_model("convnext_tiny", num_classes=7))


def test_vit():
    theirs = timm().create_model("vit_tiny_patch16_224", num_classes=7)
    same(VisionTransformer(VIT["tiny"], classes=7), theirs, 224, 224)
