"""A regime on the target, compiled for any of its labelled examples."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from jtransfer.nets.classifier import Classifier
from jtransfer.recipes.finetuning.few_labels.carried import Carried, fresh_variables
from jtransfer.recipes.finetuning.few_labels.options import Options
from jtransfer.recipes.finetuning.learner import Learner
from jtransfer.recipes.finetuning.tuning import Tuning
from jtransfer.train.state import TrainState
from jtransfer.transfer.finetuning.finetune import initial_variables, probe_head, without_trunk
from jtransfer.transfer.finetuning.layers import layer_names
from jtransfer.transfer.finetuning.regimes import plan


@dataclass(frozen=True)
class Trainer:
    """A tuning's net and program, on images or, with a frozen trunk, on its features."""

    carried: Carried
    tuning: Tuning
    net: Classifier
    learner: Learner
    constants: Mapping[str, jax.Array]

    @classmethod
    def build(
        cls,
        carried: Carried,
        tuning: Tuning,
        options: Options,
        *,
        steps: int,
        mesh: Mesh | None = None,
    ) -> "Trainer":
        """Put a tuning's net, regime and loss together."""
        problem = carried.problem
        net = options.net(
            classes=len(problem.target.classes), hidden=tuning.hidden, dropout=tuning.dropout
        )
        params = fresh_variables(net, problem, seed=0)["params"]
        cached = tuning.regime == "frozen"
        trained = without_trunk(net) if cached else net

        learner = Learner.build(
            trained,
            {"head": params["head"]} if cached else params,
            plan(tuning.regime, layer_names(trained), steps=steps),
            None if cached else problem.transform,
            batch=options.batch,
            momentum=options.momentum,
            loss=tuning.loss,
            mesh=mesh,
        )
        pixels = carried.features[0] if cached else problem.target.images
        constants = {"image": jnp.asarray(pixels), "label": jnp.asarray(problem.target.labels)}
        return cls(carried, tuning, net, learner, constants)

    def train(self, positions: np.ndarray, learning_rate: float, seed: int) -> TrainState:
        """Train on the labelled images at `positions` of the target's training set."""
        problem, features = self.carried.problem, self.carried.features[0]
        fresh = fresh_variables(self.net, problem, seed=seed)
        head = None
        if self.tuning.regime == "lp_ft":
            labels, classes = problem.target.labels[positions], len(problem.target.classes)
            head = probe_head(features[positions], labels, classes=classes)
        if self.tuning.regime == "frozen":
            variables: Mapping[str, Any] = {"params": {"head": fresh["params"]["head"]}}
        else:
            variables = initial_variables(
                self.tuning.regime, fresh, self.carried.variables, head=head
            )
        variables = self.tuning.start(variables)
        return self.learner.train(
            variables, self.constants, positions, learning_rate=learning_rate, seed=seed
        )

    def validate(self, state: TrainState, positions: np.ndarray) -> float:
        """Accuracy on images of the target's training set."""
        pixels = np.asarray(self.constants["image"])[positions]
        return self.learner.accuracy(state, pixels, self.carried.problem.target.labels[positions])

    def test(self, state: TrainState) -> float:
        """Accuracy on the target's test set."""
        test = self.carried.problem.test
        pixels = self.carried.features[1] if self.tuning.regime == "frozen" else test.images
        return self.learner.accuracy(state, pixels, test.labels)
