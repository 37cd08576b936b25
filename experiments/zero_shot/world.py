"""The drawn world: attributes are learned from combinations, others are named by them."""

from pathlib import Path
from typing import Any

from jax.sharding import Mesh

from experiments.zero_shot.config import World
from experiments.zero_shot.rows import ATTRIBUTE_HEADER, CLASS_HEADER, attribute_rows, class_row
from jtransfer.data.synthetic.attribute_world import (
    GROUPS,
    attribute_table,
    load_attribute_world,
    seen_and_unseen,
)
from jtransfer.measure import console_table
from jtransfer.nets.small import sign_net
from jtransfer.recipes.zero_shot.attribute_classes import AttributeClasses
from jtransfer.recipes.zero_shot.attribute_net import Training
from jtransfer.recipes.zero_shot.run_attribute_net import run_attribute_net


def world_classes() -> AttributeClasses:
    """The 288 combinations; a quarter of the seen ones validate."""
    seen, unseen = seen_and_unseen()
    return AttributeClasses.make(attribute_table(), GROUPS, seen=seen, unseen=unseen)


def run_seed(world: World, out: Path, seed: int, mesh: Mesh | None = None) -> dict[str, Any]:
    """One seed, of drawing and training."""
    classes = world_classes()
    return run_attribute_net(
        classes,
        sign_net(classes=sum(classes.sizes), norm=True),
        load_attribute_world("train", size=world.images, seed=seed),
        load_attribute_world("test", size=world.test_images, seed=seed),
        out / f"synthetic-attributes-{world.steps}-seed{seed}",
        training=Training(world.steps, world.batch, world.rate, mesh),
        held_out=world.held_out,
        seed=seed,
        identity={
            "experiment": "zero_shot",
            "data": "synthetic:attributes",
            "images": world.images,
            "test_images": world.test_images,
        },
    )


def show(results: list[dict[str, Any]]) -> None:
    """Print the tables."""
    first = results[0]
    print(
        f"\n{first['known']} combinations trained on, {first['validation_classes']} to choose by, "
        f"{first['unseen']} unseen: chance {1 / first['unseen']:.3f}\n"
    )
    print(console_table(ATTRIBUTE_HEADER, attribute_rows(results)))
    print("\n" + console_table(CLASS_HEADER, [class_row(results)]))
