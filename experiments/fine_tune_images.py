"""Fine-tuning nets that were trained on ImageNet: which regime is worth its time?

Caltech-101, 30 images a class to train and up to 50 to test, mean accuracy per class, as in
`probe_layers`, with which the splits are shared. Rows:

    probe         no training: the softmax of `probe_layers` on the trunk's features
    frozen        a new linear head on the trunk's cached features, by gradient descent
    frozen_deep   a head with a hidden layer and dropout on them
    slow_trunk    a new linear head, the trunk at a tenth of its rate
    full          a new linear head, everything at one rate
    lp_ft         everything at one rate, the head starting from the probe (Kumar et al. 2022)
    scratch       the same net, nothing carried over

    python -m experiments.fine_tune_images --weights alexnet_imagenet_conv1-5.safetensors
    python -m experiments.fine_tune_images --net efficientnet_lite0 --weights FILE

The small preset works at a lower resolution than the nets were trained at, and for few epochs; all
rows of a table are at the same resolution, so that they can be compared. Images are cropped at
random and mirrored where the trunk moves. Rates are fixed beforehand, except for heads on cached
features, whose rate is chosen on a held-out fifth of the training images. The last step counts. A
finished cell is not run again, an interrupted one goes on.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.command import run_command
from experiments.deep_features import short_name
from experiments.regime_rows import Row
from experiments.tuned_config import Config
from experiments.tuned_nets import (
    ROWS,
    TUNED,
    RowName,
    centre,
    normalised,
    published,
    trunk_of,
)
from jtransfer.data.augment.geometric import compose, random_crop, random_flip
from jtransfer.data.feeds.crops import Crop
from jtransfer.data.feeds.image_batches import image_batches
from jtransfer.data.feeds.resident import Domain, ResidentFeed
from jtransfer.data.image_files import ImageFiles
from jtransfer.data.loading import load_files
from jtransfer.data.splits import per_class_split, stratified_folds
from jtransfer.measure import console_table, mean_per_class_accuracy, mean_std
from jtransfer.nets.classifier import Classifier
from jtransfer.nets.parts.trunk import Head
from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.evaluation import map_batches
from jtransfer.train.profile import profile_steps
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.run_log import RunLog
from jtransfer.train.runtime import prepare_process
from jtransfer.train.state import TrainState
from jtransfer.transfer.features.probe import cross_validate
from jtransfer.transfer.finetuning.finetune import (
    Program,
    compile_phases,
    fine_tune,
    initial_variables,
    without_trunk,
)
from jtransfer.transfer.finetuning.layers import layer_names
from jtransfer.transfer.finetuning.regimes import plan
from jtransfer.transfer.supervised import supervised_loss

PENALTIES = tuple(4.0**power for power in range(0, 6))  # of the probe
HEAD_RATES = (3.0, 1.0, 0.3, 0.1)  # of a head on features of mean length 1
HEAD_STEPS = 3000


@dataclass(frozen=True)
class Task:
    """The images of a seed's split and a pretrained net.

    Attributes:
      config: the settings.
      pixels: uint8 images of all files, somewhat larger than the net's.
      train: positions of the training images.
      test: positions of the test images.
      labels: of all files.
      classes: how many there are.
      variables: {"trunk": ...} below every collection: the published weights.
      came_from: fingerprints of the images and of the weights' file.
      features: of all files by the pretrained trunk, of mean length 1.
      scale: mean length of the features as they come.
    """

    config: Config
    pixels: np.ndarray
    train: np.ndarray
    test: np.ndarray
    labels: np.ndarray
    classes: int
    variables: dict[str, Any]
    came_from: dict[str, str]
    features: np.ndarray
    scale: float

    def net(self, row: Row) -> Classifier:
        """The trunk with a row's head."""
        return Classifier(
            trunk_of(self.config.net), Head(row.hidden, self.classes, dropout=row.dropout)
        )


def decoded(config: Config, files: ImageFiles) -> np.ndarray:
    """All images as uint8, an eighth larger than the net's crops."""
    crop = Crop(resize=config.side * 9 // 8, size=config.side * 9 // 8)
    return np.concatenate(
        [images for _, images in image_batches(files, crop, batch=256, workers=config.workers)]
    )


def predicted(
    net: Classifier, state: TrainState, pixels: np.ndarray, prepare: Callable[..., jax.Array]
) -> np.ndarray:
    """Classes of images, as at test time."""
    variables = {"params": state.params, **state.stats}

    @jax.jit
    def guess(images: jax.Array) -> jax.Array:
        return net.apply(variables, prepare(images), method="predict").argmax(-1)  # pyright: ignore

    return map_batches(guess, pixels, batch=64)


def programs_of(net: Classifier, params: Any, row: Row, steps: int, rate: float, **how: Any):
    """The compiled phases of a row: momentum .9, the rate falling to 0 as a cosine."""
    return compile_phases(
        net,
        params,
        plan(row.regime, layer_names(net), steps=steps),
        loss=partial(supervised_loss, domain="target"),
        optimizer=lambda phase: optax.sgd(
            optax.cosine_decay_schedule(rate, phase), momentum=0.9, nesterov=True
        ),
        **how,
    )


def train_head(task: Task, row: Row, positions: np.ndarray, rate: float, seed: int):
    """A head on cached features, and the time of a step."""
    net = without_trunk(task.net(row))
    variables = dict(net.init(jax.random.key(seed), jnp.zeros((1, task.features.shape[1]))))
    mesh = task.config.parallel.mesh
    fields = {"image": task.features[positions], "label": task.labels[positions]}
    feed = ResidentFeed({"target": Domain(fields, task.config.batch)}, seed)
    programs = programs_of(
        net, variables["params"], row, HEAD_STEPS, rate, gather=feed.gather, mesh=mesh
    )
    state = fine_tune(programs, variables, feed, rng=jax.random.key(seed))
    return net, jax.block_until_ready(state)


def head_cell(task: Task, row: Row, seed: int) -> dict[str, Any]:
    """Choose the rate of a head on a held-out fifth, train it on all and test it."""
    train = task.train
    fold, held = stratified_folds(task.labels[train], 5, seed=seed)[0]
    scores = []
    for rate in HEAD_RATES:
        net, state = train_head(task, row, train[fold], rate, seed)
        guesses = predicted(net, state, task.features[train[held]], lambda images: images)
        scores.append(float((guesses == task.labels[train[held]]).mean()))
    rate = HEAD_RATES[int(np.argmax(scores))]
    started = time.perf_counter()
    net, state = train_head(task, row, train, rate, seed)
    seconds = time.perf_counter() - started
    guesses = predicted(net, state, task.features[task.test], lambda images: images)
    return {
        "accuracy": mean_per_class_accuracy(guesses, task.labels[task.test], task.classes),
        "rate": rate,
        "steps": HEAD_STEPS,
        "milliseconds_a_step": 1e3 * seconds / HEAD_STEPS,
    }


def probe_cell(task: Task, seed: int) -> dict[str, Any]:
    """The softmax of `probe_layers`, its C chosen by cross-validation."""
    choice = probe_of(task, seed)
    guesses = np.asarray(choice.probe.predict(task.features[task.test]))
    accuracy = mean_per_class_accuracy(guesses, task.labels[task.test], task.classes)
    return {"accuracy": accuracy, "C": choice.C}


def probe_of(task: Task, seed: int):
    """Fitted to the training images' features."""
    labels = task.labels[task.train]
    inner = stratified_folds(labels, 5, seed=seed)
    return cross_validate(
        task.features[task.train], labels, PENALTIES, inner, kind="softmax", classes=task.classes
    )


def tuned_cell(task: Task, row: Row, seed: int, folder: RunFolder, name: str) -> dict[str, Any]:
    """Train a net whose trunk moves, on randomly cropped and mirrored images."""
    config, net = task.config, task.net(row)
    blank = jnp.zeros((1, config.side, config.side, 3))
    fresh = dict(jax.jit(net.init)(jax.random.key(seed), blank))
    head = None
    if row.regime == "lp_ft":
        probe = probe_of(task, seed).probe
        head = {"out": {"kernel": probe.weights / task.scale, "bias": probe.bias}}
    variables = initial_variables(row.regime, fresh, task.variables, head=head)
    fields = {"image": task.pixels[task.train], "label": task.labels[task.train]}
    feed = ResidentFeed({"target": Domain(fields, config.batch)}, seed)
    steps = config.length * (len(task.train) // config.batch)
    tuned = TUNED[config.net]
    rate = {"scratch": tuned.scratch_rate, "lp_ft": tuned.lp_ft_rate}.get(row.regime, tuned.rate)
    crop_and_flip = compose(random_crop(config.side), random_flip)

    def augment(key: jax.Array, batch: Any) -> Any:
        images = normalised(config.net, crop_and_flip(key, batch["target"]["image"]))
        return {"target": {**batch["target"], "image": images}}

    programs: Sequence[Program] = programs_of(
        net,
        variables["params"],
        row,
        steps,
        rate,
        gather=feed.gather,
        augment=augment,
        mesh=config.parallel.mesh,
    )
    moving, frozen = programs[-1].groups.count(variables["params"])
    print(f"{name}: {moving:,} parameters move, {frozen:,} are frozen")
    if config.profile:
        for number, program in enumerate(programs):
            state = TrainState.create(variables, program.optimizer, rng=jax.random.key(seed))
            profile = profile_steps(program.step, state, feed, folder.path / f"profile{number}")
            print(profile.table())
    started = time.perf_counter()
    with Checkpoints(folder.checkpoint_folder) as checkpoints:
        first = checkpoints.latest_step or 0
        with RunLog(
            folder.metrics_file,
            name=name,
            total_steps=steps,
            first_step=first,
            examples_per_step=config.batch,
        ) as log:
            state = fine_tune(
                programs,
                variables,
                feed,
                rng=jax.random.key(seed),
                checkpoints=checkpoints,
                checkpoint_every=config.checkpoint_every,
                log=log,
                log_every=config.checkpoint_every // 4,
            )
        jax.block_until_ready(state.params)
    seconds = time.perf_counter() - started

    def prepare(images: jax.Array) -> jax.Array:
        return normalised(config.net, centre(images, config.side))

    guesses = predicted(net, state, task.pixels[task.test], prepare)
    return {
        "accuracy": mean_per_class_accuracy(guesses, task.labels[task.test], task.classes),
        "rate": rate,
        "steps": steps,
        "milliseconds_a_step": 1e3 * seconds / max(steps - first, 1),
    }


def run_cell(task: Task, row: RowName, seed: int, files: ImageFiles) -> dict[str, Any]:
    """One row from one seed, unless that was done."""
    config = task.config
    settings = {
        "experiment": "fine_tune_images",
        "net": config.net,
        "data": files.name,
        "row": row,
        "seed": seed,
        "size": config.side,
        "epochs": config.length,
        "batch": config.batch,
        "train": config.train,
        "test_at_most": config.test_at_most,
        **task.came_from,
    }
    name = f"{short_name(files)}-{config.net}-{row}-{config.side}px-{config.length}epochs"
    name += f"-train{config.train}-seed{seed}"
    folder = RunFolder(config.out / name, settings)
    result = folder.result()
    if result is None:
        started = time.perf_counter()
        if row == "probe":
            measured = probe_cell(task, seed)
        elif ROWS[row].regime == "frozen":
            measured = head_cell(task, ROWS[row], seed)
        else:
            measured = tuned_cell(task, ROWS[row], seed, folder, name)
        seconds = round(time.perf_counter() - started, 1)
        result = folder.write_result({**settings, **measured, "seconds": seconds})
    print(f"{name}: {result['accuracy']:.4f}, {result['seconds']:.0f} s", flush=True)
    return result


def row_name(row: str) -> str:
    """A row in words."""
    return ROWS[row].name if row in ROWS else "linear probe"  # pyright: ignore[reportArgumentType]


def main(config: Config) -> list[dict[str, Any]]:
    """Run the cells of a call and print their table."""
    prepare_process(config.parallel)
    files = load_files(config.data, data_root=config.data_root)
    print(f"{files.name}: {len(files):,} images of {len(files.classes)} classes, decoding them")
    variables, weights = published(config.net, config.side, config.weights)
    came_from = {"fingerprint": files.fingerprint(), "weights": weights}
    pixels = decoded(config, files)
    trunk = trunk_of(config.net)

    @jax.jit
    def extract(images: jax.Array) -> jax.Array:
        of_trunk = {name: tree["trunk"] for name, tree in variables.items()}
        maps: Any = trunk.apply(of_trunk, normalised(config.net, centre(images, config.side)))
        return maps.reshape(len(images), -1)

    features = map_batches(extract, pixels, batch=64)
    print(f"{config.net} at {config.side} pixels: {features.shape[1]:,} features an image")
    results = []
    for seed in config.seeds:
        train, test = per_class_split(
            files.labels,
            train=config.train,
            test_at_most=config.test_at_most,
            seed=seed,
            classes=files.classes,
        )
        scale = float(np.linalg.norm(features[train].astype(np.float32), axis=1).mean())
        task = Task(
            config,
            pixels,
            train,
            test,
            files.labels,
            len(files.classes),
            variables,
            came_from,
            features / scale,
            scale,
        )
        for row in config.rows or TUNED[config.net].rows:
            results.append(run_cell(task, row, seed, files))
    rows = [
        [
            row_name(row),
            mean_std([each["accuracy"] for each in cells]),
            f"{np.mean([each['seconds'] for each in cells]) / 60:.1f}",
        ]
        for row in config.rows or TUNED[config.net].rows
        if (cells := [each for each in results if each["row"] == row])
    ]
    print(f"\n{files.name} by {config.net}, {config.side} pixels, {config.length} epochs\n")
    print(console_table(["regime", "mean accuracy per class", "minutes a run"], rows))
    print(f"\nresults: {config.out}/*/result.json")
    return results


if __name__ == "__main__":
    run_command(main, Config, __doc__)
