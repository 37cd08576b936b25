"""Recognise classes that no training image shows, by what is known about them.

    python -m experiments.zero_shot                        (nothing is downloaded; some minutes)

`synthetic:attributes`, the default: drawn things in 288 combinations of count, size, texture,
colour and shape, of which 96 are in no training image. A net learns to tell the attributes, and the
table of attributes names the combination; expected: more than .90 of the unseen ones among
themselves, where chance is .010. Of the 192 others 48 are held out too, as validation classes that
choose how the table is read and the calibration of the generalised case. `unseen.png` shows what is
told about unseen images, and what of it is wrong.

    python -m experiments.zero_shot --data npz:awa1 --data-root DATA
    python -m experiments.zero_shot --data npz:awa1 --grid.methods eszsl --grid.sides continuous

Animals with Attributes 1 (Lampert et al., CVPR 2009): 40 seen and 10 unseen classes, mean accuracy
per unseen class. With six hand-made features DAP reached .405 there and IAP .278; of the six only
two, rgsift and phog, are in the file at hand. Every method with every kind of knowledge about the
classes (some 12 minutes on one core; measured numbers: BENCHMARKS.md). A setting is chosen by the
accuracy on validation classes, held out of the seen ones in turn; no image of an unseen class has a
say in anything but the result. Then:

- zero-shot: trained on all images of seen classes, unseen images among the unseen classes;
- generalised: trained on four fifths of the images of each seen class, the others and the unseen
  images among all classes: S, U and H, without and with the calibration that validation classes
  chose.

    python -m experiments.zero_shot --data csv:zoo.csv --symbols.leave-out type --data-root DATA

A table alone (UCI Zoo, or your own): which classes its attributes do not tell apart, which
attribute is needed for which pairs, and how much of the look-up is left where a share of the
attributes is only guessed.

A finished cell is not run again.
"""

from typing import Any

from experiments.command import run_command
from experiments.zero_shot import grid, symbols, world
from experiments.zero_shot.config import Config
from jtransfer.data import DataError
from jtransfer.train.runtime import prepare_process


def main(config: Config) -> list[dict[str, Any]]:
    """Run what the data is good for, print its table and draw its figures."""
    prepare_process(config.parallel)
    mesh = config.parallel.mesh
    if config.data == "synthetic:attributes":
        results = [world.run_seed(config.world, config.out, seed, mesh) for seed in config.seeds]
        world.show(results)
    elif config.data == "npz:awa1":
        results = grid.run(config.grid, config.data_root, config.out, config.seeds, mesh)
    elif config.data.startswith("csv:"):
        results = [
            symbols.run(config.symbols, config.data, config.data_root, config.out, config.seeds)
        ]
    else:
        raise DataError(
            f"unknown data {config.data!r}; expected synthetic:attributes, npz:awa1 or csv:<file>, "
            "a table of classes and attributes below the data root"
        )
    print(f"\nresults and figures: {config.out}/*/")
    return results


if __name__ == "__main__":
    run_command(main, Config, __doc__)
