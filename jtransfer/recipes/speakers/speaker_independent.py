"""Nets that are trained on all speakers but some."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
from jax.sharding import Mesh

from jtransfer.data.augment.spec_augment import spec_augment
from jtransfer.recipes.labelled import LabelledFeed
from jtransfer.recipes.speakers.corpus import Corpus
from jtransfer.recipes.speakers.options import Training
from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.compilation import CompiledStep, compile_step
from jtransfer.train.loop import fit
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.finetuning.speaker import speaker_rules
from jtransfer.transfer.parameter_groups import parameter_groups
from jtransfer.transfer.supervised import supervised_loss

_CHECKPOINT_EVERY = 200  # steps


@dataclass(frozen=True)
class Trainer:
    """Speaker-independent training, compiled for any part of the corpus.

    Attributes:
      corpus: to train on parts of.
      options: of the training.
      optimizer: AdamW whose rate falls as a cosine.
      step: from `compile_step`.
      mesh: that it was compiled for.
      identity: written into the runs' config, beside what the training depends on.
    """

    corpus: Corpus
    options: Training
    optimizer: optax.GradientTransformation
    step: CompiledStep
    mesh: Mesh | None = None
    identity: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        corpus: Corpus,
        options: Training | None = None,
        *,
        mesh: Mesh | None = None,
        identity: Mapping[str, Any] | None = None,
    ) -> "Trainer":
        """Make the step."""
        options = options or Training()
        groups = parameter_groups(corpus.fresh(seed=0)["params"], speaker_rules("full"))
        schedule = optax.cosine_decay_schedule(options.learning_rate, options.steps)
        adamw = optax.adamw(schedule, weight_decay=options.weight_decay)
        optimizer = groups.optimizer(adamw, clip=1.0)
        step = make_step(
            supervised_loss(corpus.net()),
            optimizer,
            total_steps=options.steps,
            trainable=groups.trainable,
            augment=_hidden if options.spec_augment else None,
        )
        compiled = compile_step(step, _gather, mesh=mesh)
        return cls(corpus, options, optimizer, compiled, mesh, identity or {})

    @property
    def settings(self) -> dict[str, Any]:
        """All that a net depends on but who is left out and the seed."""
        return {
            "data": self.corpus.utterances.name,
            "fingerprint": self.corpus.utterances.fingerprint(),
            "frames": int(self.corpus.frames.shape[1]),
            "steps": self.options.steps,
            "batch": self.options.batch,
            "rate": self.options.learning_rate,
            "decay": self.options.weight_decay,
            "hide": self.options.spec_augment,
        }

    def train(self, out: Path, without: Sequence[int]) -> dict[str, Any]:
        """Variables of a net trained on all speakers but some, or those of a finished training.

        Args:
          out: folder of the runs' folders; one that was interrupted goes on.
          without: positions in `speaker_names` of who is left out.

        Raises:
          RunFolderError: if the run's folder holds a run with other settings.
        """
        names = self.corpus.utterances.speaker_names
        left_out = [names[speaker] for speaker in sorted(without)]
        steps, seed = self.options.steps, self.options.seed
        positions = np.flatnonzero(~np.isin(self.corpus.utterances.speakers, without))
        feed = LabelledFeed(self.corpus.constants, positions, self.options.batch, seed)
        folder = RunFolder(
            out / f"without-{'-'.join(left_out)}-{steps}-seed{seed}",
            {**self.identity, **self.settings, "without": left_out, "seed": seed},
        )
        with Checkpoints(folder.checkpoint_folder) as checkpoints:
            state = TrainState.create(
                self.corpus.fresh(seed=seed), self.optimizer, rng=jax.random.key(seed)
            )
            if checkpoints.latest_step is not None:
                state = checkpoints.restore(state)
            started, before = time.perf_counter(), int(state.step)
            state = fit(
                self.step,
                state,
                feed,
                steps=steps,
                checkpoints=checkpoints,
                checkpoint_every=_CHECKPOINT_EVERY,
                mesh=self.mesh,
            )
        if before < steps:
            seconds = time.perf_counter() - started
            print(f"trained without {' and '.join(left_out)}: {seconds:.0f} s", flush=True)
        return {"params": state.params, **state.stats}


def _gather(constants: Any, positions: jax.Array) -> dict[str, Any]:
    return {"source": jax.tree.map(lambda values: values[positions], constants)}


_hide = partial(spec_augment, time_masks=1, longest=0.1, frequency_masks=1, widest=6)()


def _hidden(key: jax.Array, batch: Any) -> Any:
    frames, mask = batch["source"]["image"]
    return {"source": {**batch["source"], "image": (_hide(key, frames, mask), mask)}}
