"""Fully convolutional nets: a classifier becomes a segmenter (Long, Shelhamer & Darrell 2015).

A net that was trained on ImageNet scores every pixel: at a stride of 32 pixels, then with finer
stages of the trunk added at 16 and at 8, each trained from the coarser one; and the finest from
scratch. By default on drawn scenes, which need nothing downloaded.

    python -m experiments.segment
    python -m experiments.segment --data masks:camvid240 --preset small --seeds 0 1 2

Mean IoU (intersection over union) over the classes on the test set; the step is chosen by the val
set. A finished run is not run again, an interrupted one goes on.
"""

from typing import Any

from experiments.command import run_command
from experiments.segment.config import Config
from experiments.segment.figures import figure
from experiments.segment.table import table
from jtransfer.data.loading import load_masks
from jtransfer.recipes.segmentation.nets import base
from jtransfer.recipes.segmentation.problem import Problem
from jtransfer.recipes.segmentation.run import segment
from jtransfer.train.runtime import prepare_process


def main(config: Config) -> list[dict[str, Any]]:
    """Train the nets, print the table and draw what they guess."""
    prepare_process(config.parallel)
    problem = Problem(
        *(
            load_masks(config.data, split, data_root=config.data_root, size=config.size)
            for split in ("train", "val", "test")
        )
    )
    sizes = [f"{len(each):,}" for each in (problem.train, problem.val, problem.test)]
    height, width = problem.train.images.shape[1:3]
    print(
        f"{config.data}: {' / '.join(sizes)} images of {width} x {height} pixels to train, choose "
        f"and test, {len(problem.classes)} classes"
    )
    there = base(config.net, weights=config.weights)
    conduct = config.conduct
    results = segment(
        problem, there, config.rows, options=config.options, conduct=conduct, seeds=config.seeds
    )
    figures = [figure(problem, there, each, config.options, conduct) for each in results[-1:]]
    print(f"\n{table(results)}\n\nresults: {config.out}/*/result.json")
    for path in figures:
        print(f"figure: {path}")
    return results


if __name__ == "__main__":
    run_command(main, Config, __doc__)
