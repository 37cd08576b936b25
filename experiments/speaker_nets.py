"""Speech on the device, and speaker-independent nets trained on it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh

from jtransfer.data.augment.spec_augment import spec_augment
from jtransfer.data.examples import DataError
from jtransfer.data.mel import FrontEnd, normalise
from jtransfer.data.utterances import Utterances
from jtransfer.nets.acoustic import Frames, acoustic_net
from jtransfer.nets.classifier import Classifier
from jtransfer.recipes.labelled import LabelledFeed
from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.compilation import CompiledStep, compile_step
from jtransfer.train.evaluation import map_batches
from jtransfer.train.loop import fit
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.finetuning.speaker import speaker_rules
from jtransfer.transfer.parameter_groups import parameter_groups
from jtransfer.transfer.supervised import supervised_loss

_CHUNK = 500  # utterances whose features are computed at a time
_CHECKPOINT_EVERY = 200  # steps of speaker-independent training


@dataclass(frozen=True)
class Corpus:
    """Utterances and their features, which lie on the device.

    Attributes:
      utterances: of all speakers.
      frames: normalised log-mel frames [n, frames, bands].
      mask: [n, frames], True within the utterance.
      labels: [n].
      cut: how many utterances were longer than the frames hold, and are cut.
    """

    utterances: Utterances
    frames: jax.Array
    mask: jax.Array
    labels: jax.Array
    cut: int

    @classmethod
    def build(cls, utterances: Utterances, *, longest: float) -> "Corpus":
        """Compute the features of at most `longest` seconds of every utterance."""
        if len(utterances.speaker_names) < 3:
            raise DataError(
                f"{utterances.name} has the speakers {utterances.speaker_names}; expected at least "
                "3: one to adapt to, one to choose settings on, and others to train on"
            )
        most = round(longest * utterances.rate)
        samples, lengths = utterances.padded(most)
        front_end = FrontEnd(utterances.rate)
        features = jax.jit(lambda *batch: _features(front_end, *batch))
        places = np.arange(len(utterances))
        frames, mask = map_batches(
            lambda part: features(samples[part], lengths[part]), places, batch=_CHUNK
        )
        cut = sum(len(each) > most for each in utterances.samples)
        labels = jnp.asarray(utterances.labels)
        return cls(utterances, jnp.asarray(frames), jnp.asarray(mask), labels, cut)

    def images(self, positions: Any) -> Frames:
        """Frames and mask of some utterances."""
        return self.frames[positions], self.mask[positions]

    def net(self) -> Classifier:
        """The acoustic model for these classes."""
        return acoustic_net(classes=len(self.utterances.classes))

    def fresh(self, *, seed: int) -> dict[str, Any]:
        """Newly initialised variables."""
        return dict(self.net().init(jax.random.key(seed), self.images(slice(0, 1))))

    @property
    def constants(self) -> dict[str, Any]:
        """What a step gathers its batch from."""
        return {"image": (self.frames, self.mask), "label": self.labels}


def _features(front_end: FrontEnd, samples: jax.Array, lengths: jax.Array) -> Frames:
    frames, mask = front_end.log_mel(samples, lengths)
    return normalise(frames, mask), mask


@dataclass(frozen=True)
class Trainer:
    """Speaker-independent training, compiled for any part of the corpus.

    Attributes:
      corpus: to train on parts of.
      settings: of the training, all that it depends on.
      optimizer: AdamW whose rate falls as a cosine.
      step: from `compile_step`.
      mesh: that it was compiled for.
    """

    corpus: Corpus
    settings: Mapping[str, Any]
    optimizer: optax.GradientTransformation
    step: CompiledStep
    mesh: Mesh | None = None

    @classmethod
    def build(
        cls,
        corpus: Corpus,
        *,
        steps: int,
        batch: int,
        rate: float,
        decay: float,
        hide: bool,
        mesh: Mesh | None = None,
    ) -> "Trainer":
        """Make the step; `hide` turns SpecAugment on."""
        net = corpus.net()
        groups = parameter_groups(corpus.fresh(seed=0)["params"], speaker_rules("full"))
        schedule = optax.cosine_decay_schedule(rate, steps)
        optimizer = groups.optimizer(optax.adamw(schedule, weight_decay=decay), clip=1.0)
        step = make_step(
            supervised_loss(net),
            optimizer,
            total_steps=steps,
            trainable=groups.trainable,
            augment=_hidden if hide else None,
        )
        settings = {
            "data": corpus.utterances.name,
            "fingerprint": corpus.utterances.fingerprint(),
            "frames": int(corpus.frames.shape[1]),
            "steps": steps,
            "batch": batch,
            "rate": rate,
            "decay": decay,
            "hide": hide,
        }
        return cls(corpus, settings, optimizer, compile_step(step, _gather, mesh=mesh), mesh)

    def train(self, out: Path, without: Sequence[int], *, seed: int) -> dict[str, Any]:
        """Variables of a net trained on all speakers but some, or those of a finished training."""
        names = self.corpus.utterances.speaker_names
        kept = ~np.isin(self.corpus.utterances.speakers, without)
        left_out = [names[speaker] for speaker in sorted(without)]
        steps = self.settings["steps"]
        positions = np.flatnonzero(kept)
        feed = LabelledFeed(self.corpus.constants, positions, self.settings["batch"], seed)
        folder = RunFolder(
            out / f"without-{'-'.join(left_out)}-{steps}-seed{seed}",
            {"experiment": "speaker_net", **self.settings, "without": left_out, "seed": seed},
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
