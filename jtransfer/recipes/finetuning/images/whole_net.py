"""A net whose trunk moves, on randomly cropped and mirrored images."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jtransfer.data.augment.geometric import compose, random_crop, random_flip
from jtransfer.data.feeds.resident import Domain, ResidentFeed
from jtransfer.nets.initial import initial
from jtransfer.recipes.finetuning.images.heads import probe_of
from jtransfer.recipes.finetuning.images.options import Conduct, Options
from jtransfer.recipes.finetuning.images.programs import guessed, programs_of
from jtransfer.recipes.finetuning.images.task import ImageTask, centre
from jtransfer.recipes.finetuning.tuning import Tuning
from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.profile import profile_steps
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.run_log import RunLog
from jtransfer.train.state import TrainState
from jtransfer.transfer.finetuning.finetune import Program, fine_tune, initial_variables


def tune_net(
    task: ImageTask,
    tuning: Tuning,
    options: Options,
    conduct: Conduct,
    seed: int,
    folder: RunFolder,
) -> dict[str, Any]:
    """Train the net, from the folder's newest checkpoint if there is one, and judge it."""
    decoded, name = task.decoded, folder.path.name
    net, about, side = task.net(tuning), decoded.net, decoded.side
    variables = _start(task, tuning, options, seed)
    fields = {"image": decoded.pixels[task.train], "label": task.train_labels}
    feed = ResidentFeed({"target": Domain(fields, options.batch)}, seed)
    steps = options.epochs * (len(task.train) // options.batch)
    learning_rate = about.learning_rate_of(tuning.regime)
    crop_and_flip = compose(random_crop(side), random_flip)

    def augment(key: jax.Array, batch: Any) -> Any:
        images = about.normalised(crop_and_flip(key, batch["target"]["image"]))
        return {"target": {**batch["target"], "image": images}}

    programs = programs_of(
        net,
        variables["params"],
        tuning,
        steps=steps,
        learning_rate=learning_rate,
        momentum=options.momentum,
        gather=feed.gather,
        augment=augment,
        mesh=conduct.parallel.mesh,
    )
    moving, frozen = programs[-1].groups.count(variables["params"])
    print(f"{name}: {moving:,} parameters move, {frozen:,} are frozen")
    if conduct.profile:
        _profile(programs, variables, feed, seed, folder)
    started = time.perf_counter()
    with Checkpoints(folder.checkpoint_folder) as checkpoints:
        first = checkpoints.latest_step or 0
        with RunLog(
            folder.metrics_file,
            name=name,
            total_steps=steps,
            first_step=first,
            examples_per_step=options.batch,
        ) as log:
            state = fine_tune(
                programs,
                variables,
                feed,
                rng=jax.random.key(seed),
                checkpoints=checkpoints,
                checkpoint_every=conduct.checkpoint_every,
                log=log,
                log_every=max(1, conduct.checkpoint_every // 4),
            )
        jax.block_until_ready(state.params)
    seconds = time.perf_counter() - started

    def prepare(images: jax.Array) -> jax.Array:
        return about.normalised(centre(images, side))

    return {
        "accuracy": task.judge(guessed(net, state, decoded.pixels[task.test], prepare)),
        "rate": learning_rate,
        "steps": steps,
        "milliseconds_a_step": 1e3 * seconds / max(steps - first, 1),
    }


def _start(task: ImageTask, tuning: Tuning, options: Options, seed: int) -> Mapping[str, Any]:
    """The published trunk and a new head; for LP-FT the probe, for features as they come."""
    blank = jnp.zeros((1, task.decoded.side, task.decoded.side, 3))
    fresh = initial(task.net(tuning), jax.random.key(seed), blank)
    head = None
    if tuning.regime == "lp_ft":
        probe = probe_of(task, options, seed).probe
        head = {"out": {"kernel": probe.weights / task.scale, "bias": probe.bias}}
    variables = initial_variables(tuning.regime, fresh, task.decoded.variables, head=head)
    return tuning.start(variables)


def _profile(
    programs: Sequence[Program], variables: Any, feed: ResidentFeed, seed: int, folder: RunFolder
) -> None:
    """Trace a few steps of every phase and show the slowest operations."""
    for number, program in enumerate(programs):
        state = TrainState.create(variables, program.optimizer, rng=jax.random.key(seed))
        profile = profile_steps(program.step, state, feed, folder.path / f"profile{number}")
        print(profile.table())
