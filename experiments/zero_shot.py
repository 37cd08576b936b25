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

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tyro.conf import OmitArgPrefixes

from experiments import zero_shot_grid, zero_shot_symbols
from experiments.command import run_command
from experiments.zero_shot_grid import Grid
from experiments.zero_shot_symbols import Symbols
from experiments.zero_shot_world import World, run_seed, show
from jtransfer.data import DataError
from jtransfer.train.parallel import Parallel
from jtransfer.train.runtime import prepare_process


@dataclass(frozen=True)
class Config:
    """Settings of a call."""

    data: str = "synthetic:attributes"  # or npz:awa1, or csv:<file> below the data root
    seeds: tuple[int, ...] = (0, 1, 2)  # of drawing and training; closed forms need one
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    out: Path = Path("checkpoints/zero_shot")  # one folder a cell
    parallel: OmitArgPrefixes[Parallel] = field(default=Parallel())  # devices, processes
    world: World = field(default=World())
    grid: Grid = field(default=Grid())
    symbols: Symbols = field(default=Symbols())


def main(config: Config) -> list[dict[str, Any]]:
    """Run what the data is good for, print its table and draw its figures."""
    prepare_process(config.parallel)
    mesh = config.parallel.mesh
    if config.data == "synthetic:attributes":
        results = [run_seed(config.world, config.out, seed, mesh) for seed in config.seeds]
        show(results)
    elif config.data == "npz:awa1":
        results = zero_shot_grid.run(config.grid, config.data_root, config.out, config.seeds, mesh)
    elif config.data.startswith("csv:"):
        results = [
            zero_shot_symbols.run(
                config.symbols, config.data, config.data_root, config.out, config.seeds
            )
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
