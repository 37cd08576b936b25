"""The rows of the table of fine-tuning: what they start from, who moves, and their training."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from experiments.transfer_pairs import Problem
from jtransfer.nets.classifier import Classifier
from jtransfer.nets.small import digit_net
from jtransfer.recipes.labelled import Learner, on_target
from jtransfer.train.state import TrainState
from jtransfer.train.step import Loss
from jtransfer.transfer.finetuning.finetune import initial_variables, probe_head, without_trunk
from jtransfer.transfer.finetuning.l2_sp import l2_sp, with_start
from jtransfer.transfer.finetuning.layers import layer_names
from jtransfer.transfer.finetuning.regimes import Regime, plan

RowName = Literal[
    "scratch",
    "frozen",
    "frozen_deep",
    "slow_trunk",
    "full",
    "layerwise",
    "gradual",
    "lp_ft",
    "l2_sp",
]


@dataclass(frozen=True)
class Row:
    """A row of the table: a regime, a head, perhaps the alpha and beta of L2-SP."""

    name: str
    regime: Regime
    hidden: tuple[int, ...] = ()
    dropout: float = 0.0
    penalty: tuple[float, ...] = ()


ROWS: dict[RowName, Row] = {
    "scratch": Row("from scratch", "scratch"),
    "frozen": Row("frozen, linear head", "frozen"),
    "frozen_deep": Row("frozen, small deep head", "frozen", hidden=(100,), dropout=0.5),
    "slow_trunk": Row("trunk at a tenth", "slow_trunk"),
    "full": Row("everything", "full"),
    "layerwise": Row("rate / 2.6 a layer", "layerwise"),
    "gradual": Row("gradual unfreezing", "gradual"),
    "lp_ft": Row("probe first (LP-FT)", "lp_ft"),
    "l2_sp": Row("everything, L2-SP", "full", penalty=(0.1, 0.01)),
}


@dataclass(frozen=True)
class Bench:
    """What all cells share.

    Attributes:
      problem: the images.
      source: variables of the net trained on the source.
      features: the source trunk's features of the target's training and test images, [n, dims].
      settings: of the source net, all that it depends on.
    """

    problem: Problem
    source: Mapping[str, Any]
    features: tuple[np.ndarray, np.ndarray]
    settings: dict[str, Any]


def fresh_variables(net: Classifier, problem: Problem, *, seed: int) -> dict[str, Any]:
    """Newly initialised parameters."""
    return dict(net.init(jax.random.key(seed), jnp.zeros((1, *problem.source.images.shape[1:]))))


@dataclass(frozen=True)
class Trainer:
    """A row's net and program, on images or, with a frozen trunk, on its features."""

    bench: Bench
    row: Row
    net: Classifier
    learner: Learner
    constants: Mapping[str, jax.Array]

    @classmethod
    def build(
        cls,
        bench: Bench,
        row: Row,
        *,
        steps: int,
        batch: int,
        momentum: float,
        mesh: Mesh | None = None,
    ) -> "Trainer":
        """Put a row's net, regime and loss together."""
        problem = bench.problem
        net = digit_net(classes=len(problem.target.classes), hidden=row.hidden, dropout=row.dropout)
        params = fresh_variables(net, problem, seed=0)["params"]
        cached = row.regime == "frozen"
        trained = without_trunk(net) if cached else net

        def penalised(net: Classifier) -> Loss:
            alpha, beta = row.penalty
            return l2_sp(on_target(net), alpha=alpha, beta=beta)

        learner = Learner.build(
            trained,
            {"head": params["head"]} if cached else params,
            plan(row.regime, layer_names(trained), steps=steps),
            None if cached else problem.transform,
            batch=batch,
            momentum=momentum,
            loss=penalised if row.penalty else on_target,
            mesh=mesh,
        )
        pixels = bench.features[0] if cached else problem.target.images
        constants = {"image": jnp.asarray(pixels), "label": jnp.asarray(problem.target.labels)}
        return cls(bench, row, net, learner, constants)

    def train(self, positions: np.ndarray, rate: float, seed: int) -> TrainState:
        """Train on the labelled images at `positions` of the target's training set."""
        fresh = fresh_variables(self.net, self.bench.problem, seed=seed)
        head = None
        if self.row.regime == "lp_ft":
            labels = self.bench.problem.target.labels[positions]
            classes = len(self.bench.problem.target.classes)
            head = probe_head(self.bench.features[0][positions], labels, classes=classes)
        if self.row.regime == "frozen":
            variables: dict[str, Any] = {"params": {"head": fresh["params"]["head"]}}
        else:
            variables = initial_variables(self.row.regime, fresh, self.bench.source, head=head)
        if self.row.penalty:
            variables = with_start(variables)
        return self.learner.train(variables, self.constants, positions, rate=rate, seed=seed)

    def validate(self, state: TrainState, positions: np.ndarray) -> float:
        """Accuracy on images of the target's training set."""
        pixels = np.asarray(self.constants["image"])[positions]
        return self.learner.accuracy(state, pixels, self.bench.problem.target.labels[positions])

    def test(self, state: TrainState) -> float:
        """Accuracy on the target's test set."""
        test = self.bench.problem.test
        pixels = self.bench.features[1] if self.row.regime == "frozen" else test.images
        return self.learner.accuracy(state, pixels, test.labels)
