"""Zero-shot on drawn images: a net learns attributes, and names combinations it never saw."""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh

from jtransfer.data.examples import Examples
from jtransfer.data.feeds.resident import Domain, ResidentFeed, centred, channel_means
from jtransfer.data.splits import class_folds, stratified_folds
from jtransfer.data.synthetic.attribute_world import (
    GROUPS,
    attribute_table,
    combinations,
    load_attribute_world,
    seen_and_unseen,
)
from jtransfer.measure import console_table, mean_per_class_accuracy, mean_std
from jtransfer.measure.attribute_sheet import attribute_sheet_figure
from jtransfer.measure.seen_unseen import seen_unseen_curve
from jtransfer.nets.small import sign_net
from jtransfer.train.compilation import compile_step
from jtransfer.train.evaluation import map_batches
from jtransfer.train.loop import fit
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.run_log import RunLog
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.supervised import supervised_loss
from jtransfer.transfer.zero_shot.attribute_groups import (
    group_cross_entropy,
    group_log_odds,
    group_probabilities,
)
from jtransfer.transfer.zero_shot.attributes import similarity
from jtransfer.transfer.zero_shot.class_signatures import (
    learnable,
    require_disjoint,
    require_distinct,
)

SIZES = tuple(len(group) for group in GROUPS.values())
RULES = {"product": "product of the attributes' odds", "distance": "nearest row of the table"}
SHEET_COLUMNS = 8


@dataclass(frozen=True)
class World:
    """Settings of `synthetic:attributes`."""

    images: int = 12_000  # drawn to train on, of 192 classes, 48 of them for validation
    test_images: int = 5_760  # drawn to test on, of all 288 classes
    held_out: int = 10  # one of so many parts of a trained class's images is to choose by
    steps: int = 600  # of training
    batch: int = 64  # images a step
    rate: float = 3e-3  # of Adam at the start, falling to 0 as a cosine


@dataclass(frozen=True, eq=False)
class Classes:
    """Which classes are what: labels, ascending.

    Attributes:
      known: trained on.
      validation: seen, but held out of training to choose by.
      unseen: without a training image.
      table: attributes of all classes, [classes, attributes].
    """

    known: np.ndarray
    validation: np.ndarray
    unseen: np.ndarray
    table: np.ndarray

    @classmethod
    def make(cls) -> "Classes":
        """A quarter of the seen classes validate."""
        seen, unseen = seen_and_unseen()
        known, validation = class_folds(seen, 4, seed=0)[0]
        table = attribute_table()
        require_disjoint([*map(str, seen)], [*map(str, unseen)])
        require_distinct(table.complete(), table.classes)
        if not learnable(table.values[known]).all():
            raise ValueError("an attribute is the same in all known classes; choose others")
        return cls(known, validation, unseen, table.values)

    def scores(self, probabilities: np.ndarray, classes: np.ndarray, rule: str) -> np.ndarray:
        """Scores [n, classes] by attributes' probabilities [n, attributes]."""
        rows, given = jnp.asarray(self.table[classes]), jnp.asarray(probabilities)
        if rule == "distance":
            return np.asarray(similarity(given, rows, jnp.ones(rows.shape[1])))
        return np.asarray(group_log_odds(given, rows, jnp.asarray(self.table[self.known].mean(0))))


def train_net(
    world: World,
    images: np.ndarray,
    places: np.ndarray,
    seed: int,
    log: RunLog,
    mesh: Mesh | None = None,
) -> Any:
    """Train a net to tell the attributes of images.

    Args:
      world: settings.
      images: [n, 32, 32, 3] uint8.
      places: of each image's attribute within each group, [n, groups].
      seed: of initial parameters and order.
      log: told the loss.
      mesh: to train over.

    Returns:
      From images [n, 32, 32, 3] uint8 to probabilities [n, attributes].
    """
    net, transform = sign_net(classes=sum(SIZES), norm=True), centred(channel_means(images))
    domain = Domain({"image": images, "label": places}, batch=world.batch, transform=transform)
    feed = ResidentFeed({"seen": domain}, seed=seed)
    loss = supervised_loss(net, domain="seen", criterion=partial(group_cross_entropy, sizes=SIZES))
    optimizer = optax.adam(optax.cosine_decay_schedule(world.rate, world.steps))
    variables = net.init(jax.random.key(seed), jnp.zeros((1, *images.shape[1:])))
    state = TrainState.create(variables, optimizer, rng=jax.random.key(seed + 1))
    step = make_step(loss, optimizer, total_steps=world.steps)
    compiled = compile_step(step, feed.gather, mesh=mesh)
    state = fit(compiled, state, feed, steps=world.steps, log=log, mesh=mesh)

    @jax.jit
    def probabilities(pixels: jax.Array) -> jax.Array:
        variables = {"params": state.params, **state.stats}
        logits: Any = net.apply(variables, transform(pixels), method="predict")
        return group_probabilities(logits, sizes=SIZES)

    return partial(map_batches, probabilities)


def choose(
    classes: Classes, train: Examples, predicted: np.ndarray, held: np.ndarray
) -> dict[str, Any]:
    """The better rule on validation classes, and its calibration.

    Args:
      classes: which are which.
      train: images of all seen classes.
      predicted: probabilities of their attributes, [n, attributes].
      held: positions of images of known classes that the net was not trained on.
    """
    fresh = np.flatnonzero(np.isin(train.labels, classes.validation))
    accuracies = {
        rule: per_class(
            classes.scores(predicted[fresh], classes.validation, rule),
            train.labels[fresh],
            classes.validation,
        )
        for rule in RULES
    }
    rule = max(accuracies, key=accuracies.__getitem__)
    tested, among = np.concatenate([held, fresh]), _both(classes.known, classes.validation)
    scores = classes.scores(predicted[tested], among, rule)
    curve = seen_unseen_curve(
        scores, np.searchsorted(among, train.labels[tested]), np.isin(among, classes.known)
    )
    return {"rule": rule, "validation": accuracies, "calibration": curve.best_calibration()}


def measure(
    classes: Classes, test: Examples, predicted: np.ndarray, choice: dict[str, Any]
) -> dict[str, Any]:
    """Zero-shot and generalised accuracy by the chosen rule, and how well attributes are told."""
    of_unseen = np.isin(test.labels, classes.unseen)
    of_known = np.isin(test.labels, classes.known)
    scores = classes.scores(predicted[of_unseen], classes.unseen, choice["rule"])
    among = _both(classes.known, classes.unseen)
    tested = of_unseen | of_known
    curve = seen_unseen_curve(
        classes.scores(predicted[tested], among, choice["rule"]),
        np.searchsorted(among, test.labels[tested]),
        np.isin(among, classes.known),
    )
    right = _told(predicted) == combinations()[test.labels]
    return {
        "accuracy": per_class(scores, test.labels[of_unseen], classes.unseen),
        "uncalibrated": dict(zip("SUH", curve.at(0.0), strict=True)),
        "calibrated": dict(zip("SUH", curve.at(choice["calibration"]), strict=True)),
        "area": curve.area,
        "attributes": {
            name: {
                "known": float(right[of_known, at].mean()),
                "unseen": float(right[of_unseen, at].mean()),
            }
            for at, name in enumerate(GROUPS)
        },
        "all_right": float(right[of_unseen].all(axis=1).mean()),
    }


def run_seed(world: World, out: Path, seed: int, mesh: Mesh | None = None) -> dict[str, Any]:
    """Train, choose, measure and draw from one seed, or what an earlier call measured."""
    classes = Classes.make()
    train = load_attribute_world("train", size=world.images, seed=seed)
    test = load_attribute_world("test", size=world.test_images, seed=seed)
    settings = {
        "experiment": "zero_shot",
        "data": "synthetic:attributes",
        "seed": seed,
        **{name: getattr(world, name) for name in world.__dataclass_fields__},
        "known": len(classes.known),
        "validation_classes": len(classes.validation),
        "unseen": len(classes.unseen),
        "fingerprints": {"train": train.fingerprint(), "test": test.fingerprint()},
    }
    folder = RunFolder(out / f"synthetic-attributes-{world.steps}-seed{seed}", settings)
    result = folder.result()
    if result is not None:
        print(f"seed {seed}: finished before")
        return result
    began = time.perf_counter()
    known = np.flatnonzero(np.isin(train.labels, classes.known))
    kept, held = (
        known[part] for part in stratified_folds(train.labels[known], world.held_out, seed=0)[0]
    )
    name = f"attributes, seed {seed}"
    with RunLog(folder.metrics_file, name=name, total_steps=world.steps) as log:
        places = combinations()[train.labels[kept]]
        probabilities = train_net(world, train.images[kept], places, seed, log, mesh)
    choice = choose(classes, train, probabilities(train.images), held)
    predicted = probabilities(test.images)
    measured = measure(classes, test, predicted, choice)
    unseen = np.flatnonzero(np.isin(test.labels, classes.unseen))
    draw_sheet(test.take(unseen), predicted[unseen], folder.path / "unseen.png")
    seconds = round(time.perf_counter() - began, 1)
    return folder.write_result({**settings, **choice, **measured, "seconds": seconds})


def draw_sheet(unseen: Examples, predicted: np.ndarray, path: Path) -> None:
    """Draw some images of unseen classes, and some of those with a wrong attribute."""
    names = list(GROUPS.values())
    words, true = (
        np.array([[names[at][place] for at, place in enumerate(row)] for row in places])
        for places in (_told(predicted), combinations()[unseen.labels])
    )
    wrong = np.flatnonzero((words != true).any(axis=1))
    share = len(wrong) / len(unseen)
    shown = {
        "the first images": np.arange(min(2 * SHEET_COLUMNS, len(unseen))),
        f"with a wrong attribute: {share:.1%} of all": wrong[:SHEET_COLUMNS],
    }
    attribute_sheet_figure(
        {
            name: (unseen.images[each], words[each], true[each])
            for name, each in shown.items()
            if len(each)
        },
        path,
        columns=SHEET_COLUMNS,
        title="Combinations that no training image showed, and the attributes they are told by",
    )


def per_class(scores: np.ndarray, labels: np.ndarray, classes: np.ndarray) -> float:
    """Mean accuracy per class of scores [n, classes]."""
    places = np.searchsorted(classes, labels)
    return mean_per_class_accuracy(scores.argmax(axis=1), places, len(classes))


def _told(predicted: np.ndarray) -> np.ndarray:
    """The most probable attribute of each group, as its place: [n, groups]."""
    groups = np.split(predicted, np.cumsum(SIZES)[:-1], axis=1)
    return np.stack([group.argmax(axis=1) for group in groups], axis=1)


def _both(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.sort(np.concatenate([one, other]))


def attribute_rows(results: list[dict[str, Any]]) -> list[list[str]]:
    """A row for every group of attributes: told right in images of known and of unseen classes."""
    kinds = ("known", "unseen")
    return [
        [name, *(mean_std([run["attributes"][name][kind] for run in results]) for kind in kinds)]
        for name in GROUPS
    ]


def class_row(results: list[dict[str, Any]]) -> list[str]:
    """Accuracies over seeds, as under `CLASS_HEADER`."""
    generalised = [
        mean_std([run[kind][letter] for run in results])
        for kind in ("uncalibrated", "calibrated")
        for letter in "SUH"
    ]
    rules = [run["validation"][run["rule"]] for run in results]
    return [
        mean_std(rules),
        mean_std([run["accuracy"] for run in results]),
        mean_std([run["all_right"] for run in results]),
        *generalised,
        mean_std([run["area"] for run in results]),
    ]


CLASS_HEADER = ["validation classes", "unseen classes", "all attributes right"]
CLASS_HEADER += ["S", "U", "H", "S cal.", "U cal.", "H cal.", "area"]
ATTRIBUTE_HEADER = ["told right", "known combinations", "unseen combinations"]


def show(results: list[dict[str, Any]]) -> None:
    """Print the tables."""
    first = results[0]
    print(
        f"\n{first['known']} combinations trained on, {first['validation_classes']} to choose by, "
        f"{first['unseen']} unseen: chance {1 / first['unseen']:.3f}\n"
    )
    print(console_table(ATTRIBUTE_HEADER, attribute_rows(results)))
    print("\n" + console_table(CLASS_HEADER, [class_row(results)]))
