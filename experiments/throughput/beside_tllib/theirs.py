"""What a user writes with TLlib (Transfer-Learning-Library) and PyTorch: `train` is counted."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from tllib.alignment.cdan import (  # pyright: ignore[reportMissingImports]
    ConditionalDomainAdversarialLoss,
)
from tllib.alignment.dann import DomainAdversarialLoss  # pyright: ignore[reportMissingImports]
from tllib.modules.classifier import Classifier  # pyright: ignore[reportMissingImports]
from tllib.modules.grl import (  # pyright: ignore[reportMissingImports]
    WarmStartGradientReverseLayer,
)
from tllib.utils.data import ForeverDataIterator  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn.functional import cross_entropy  # pyright: ignore[reportMissingImports]
from torch.optim import SGD  # pyright: ignore[reportMissingImports]
from torch.optim.lr_scheduler import LambdaLR  # pyright: ignore[reportMissingImports]
from torch.utils.data import DataLoader, TensorDataset  # pyright: ignore[reportMissingImports]

from experiments.throughput.beside_tllib.ours import HIDDEN
from experiments.throughput.beside_tllib.tasks import Arrays
from experiments.throughput.beside_tllib.watch import Watch
from experiments.throughput.rivals.adaptation_nets import (
    AdaptationNet,
    dense,
    ganin_shape,
    put,
    put_dense,
)

MOST = 4096  # products of a feature and a class, above which both take a random map


def classifier_for(data: Arrays, params: Any) -> tuple[Classifier, int]:
    """The net of `ours.net_for` with its parameters, and how many features it has."""
    if data.source.ndim == 4:
        side, channels = data.source.shape[2:]
        net = AdaptationNet(
            ganin_shape("mnist"), side=side, channels=channels, classes=data.classes
        )
        net.load(params)
        trunk, head = net.trunk, net.label_head
        features = int(np.prod(net.maps))
    else:
        trunk, head = dense(data.source.shape[1], HIDDEN), dense(HIDDEN, data.classes)
        put(trunk[0], params["trunk"]["hidden"])
        put_dense(head, params["label_head"])
        trunk.append(nn.ReLU())
        features = HIDDEN
    trunk.out_features = features  # where TLlib looks for it
    return Classifier(
        trunk, data.classes, head=head, finetune=False, pool_layer=nn.Identity()
    ), features


def tensors(examples: np.ndarray) -> torch.Tensor:
    """Examples as PyTorch has them, channels first."""
    moved = np.moveaxis(examples, -1, 1) if examples.ndim == 4 else examples
    return torch.from_numpy(np.ascontiguousarray(moved))


def train(
    params: Any,
    method: str,
    data: Arrays,
    *,
    steps: int,
    batch: int,
    rate: float,
    seed: int,
    watch: Watch,
) -> Callable[[np.ndarray], np.ndarray]:
    """Train, and return what guesses classes."""
    torch.manual_seed(seed)
    labelled = TensorDataset(tensors(data.source), torch.from_numpy(data.labels).long())
    unlabelled = TensorDataset(tensors(data.target))
    source_iterator, target_iterator = (
        ForeverDataIterator(DataLoader(each, batch, shuffle=True, drop_last=True))
        for each in (labelled, unlabelled)
    )
    model, features = classifier_for(data, params)
    products = features * data.classes
    randomized = products > MOST
    inputs = features if method == "DANN" else 1024 if randomized else products
    discriminator = nn.Sequential(
        nn.Linear(inputs, 100), nn.ReLU(), nn.Linear(100, 1), nn.Sigmoid()
    )
    reversal = WarmStartGradientReverseLayer(10.0, 0.0, 1.0, steps, auto_step=True)
    if method == "CDAN":
        adversary = ConditionalDomainAdversarialLoss(
            discriminator,
            randomized=randomized,
            num_classes=data.classes,
            features_dim=features,
        )
        adversary.grl = reversal
    else:
        adversary = DomainAdversarialLoss(discriminator, grl=reversal)
    optimizer = SGD([*model.parameters(), *discriminator.parameters()], rate, momentum=0.9)
    schedule = LambdaLR(optimizer, lambda number: (1 + 10 * number / steps) ** -0.75)
    for _ in watch.steps(steps):
        (source, labels), (target,) = next(source_iterator), next(target_iterator)
        guesses, found = model(torch.cat((source, target)))
        (of_source, of_target), (known, other) = guesses.chunk(2), found.chunk(2)
        if method == "CDAN":
            domain_loss = adversary(of_source, known, of_target, other)
        else:
            domain_loss = adversary(known, other)
        loss = cross_entropy(of_source, labels) + domain_loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval()
    return lambda examples: model(tensors(examples)).argmax(dim=1).numpy()
