"""The LeNet of adversarial discriminative domain adaptation (Tzeng et al., CVPR 2017, Figure 4)."""

from functools import partial

import jax

from jtransfer.nets.ganin import AdaptationNet
from jtransfer.nets.parts.stages import FullStage
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk


class LeNet(AdaptationNet):
    """A net whose domain head has two outputs, as the paper's: source and target."""

    def discriminate(self, features: jax.Array, *, train: bool = False) -> jax.Array:
        """Domain logits [batch] of [batch, features].

        Target less source: its sigmoid is the softmax over both.
        """
        logits = self.domain_logits(features, train=train)
        return logits[:, 1] - logits[:, 0]


def lenet(*, classes: int = 10, norm: bool = False, dropout: float = 0.0) -> LeNet:
    """conv5x5-20, pool, conv5x5-50, pool, fc500 | fc10 | domain fc500-fc500-fc2. For 28x28x1.

    The domain head reads the encoder's 500 features; the authors' published code gives it the class
    logits, as `.clone(judged="logits")` does, and leaky ReLUs. `norm` (batch norm per domain after
    the convolutions) and `dropout` (of whole maps before the second pool) are off in the paper.
    """
    stages = (
        ("conv1", partial(ConvStage, 20, 5, pool=(2, 2), norm=norm)),
        ("conv2", partial(ConvStage, 50, 5, pool=(2, 2), norm=norm, dropout=dropout)),
        ("fc3", partial(FullStage, 500)),
    )
    return LeNet(Trunk(stages), Head((), classes), Head((500, 500), 2))
