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
    python -m experiments.fine_tune_images --net efficientnet_lite0

The small preset works at a lower resolution than the nets were trained at, and for few epochs; all
rows of a table are at the same resolution, so that they can be compared. Images are cropped at
random and mirrored where the trunk moves. Rates are fixed beforehand, except for heads on cached
features, whose rate is chosen on a held-out fifth of the training images. The last step counts. A
finished cell is not run again, an interrupted one goes on.
"""

from typing import Any

import numpy as np

from experiments.command import run_command
from experiments.data_names import short_name
from experiments.fine_tune_images.config import Config
from experiments.fine_tune_images.rows import ROWS
from jtransfer.data.loading import load_files
from jtransfer.measure import console_table, mean_std
from jtransfer.recipes.finetuning.images.nets import tuned_net
from jtransfer.recipes.finetuning.images.run import run_on_images
from jtransfer.train.runtime import prepare_process


def main(config: Config) -> list[dict[str, Any]]:
    """Run the cells of a call and print their table."""
    prepare_process(config.parallel)
    files = load_files(config.data, data_root=config.data_root)
    results = run_on_images(
        files,
        tuned_net(config.net),
        {row: ROWS[row].tuning for row in config.net_rows},
        side=config.side,
        train=config.train,
        test_at_most=config.test_at_most,
        weights=config.weights,
        options=config.options,
        conduct=config.conduct(short_name(files)),
        seeds=config.seeds,
    )
    rows = [
        [
            ROWS[row].title,
            mean_std([each["accuracy"] for each in cells]),
            f"{np.mean([each['seconds'] for each in cells]) / 60:.1f}",
        ]
        for row in config.net_rows
        if (cells := [each for each in results if each["row"] == row])
    ]
    print(f"\n{files.name} by {config.net}, {config.side} pixels, {config.length} epochs\n")
    print(console_table(["regime", "mean accuracy per class", "minutes a run"], rows))
    print(f"\nresults: {config.out}/*/result.json")
    return results


if __name__ == "__main__":
    run_command(main, Config, __doc__)
