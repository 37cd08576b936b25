"""Regimes on image files, from several seeds: each trained once, taken up where it was, judged."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jtransfer.data.image_files import ImageFiles
from jtransfer.data.splits import per_class_split
from jtransfer.recipes.finetuning.images.heads import judge_probe, tune_head
from jtransfer.recipes.finetuning.images.nets import TunedNet
from jtransfer.recipes.finetuning.images.options import Conduct, Options
from jtransfer.recipes.finetuning.images.task import Decoded, ImageTask
from jtransfer.recipes.finetuning.images.whole_net import tune_net
from jtransfer.recipes.finetuning.tuning import Tuning
from jtransfer.train.counted import counted
from jtransfer.train.run_folder import RunFolder


def run_on_images(
    files: ImageFiles,
    net: TunedNet,
    tunings: Mapping[str, Tuning | None],
    *,
    side: int,
    train: int = 30,
    test_at_most: int = 50,
    weights: Path | None = None,
    options: Options | None = None,
    conduct: Conduct | None = None,
    seeds: Sequence[int] = (0,),
) -> list[dict[str, Any]]:
    """Fine-tune a net with published weights on image files, by every tuning from every seed.

    What is finished is not run again, what was interrupted goes on.

    Args:
      files: the images, each with its class.
      net: to be fine-tuned, such as `TUNED_NETS["efficientnet_lite0"]`.
      tunings: by the names that they have in folders and results; None for a linear probe of the
        trunk's features, where nothing is trained by steps.
      side: of the images in pixels.
      train: images a class to train on.
      test_at_most: images a class to test on, of the rest.
      weights: file of the net's weights; by default downloaded once.
      options: how the net is trained.
      conduct: where the runs leave what they have.
      seeds: of the split, the head and the order.

    Returns:
      The results, seed by seed, each with the mean accuracy per class on the test images.

    Raises:
      DataError: if an image cannot be read, or a class has too few.
      WeightsError: if the weights cannot be read, or are another net's.
      RunFolderError: if a run's folder holds a run with other settings, images or weights.
    """
    options, conduct = options or Options(), conduct or Conduct()
    print(f"{files.name}: {len(files):,} images of {len(files.classes)} classes, decoding them")
    decoded = Decoded.read(
        files,
        net,
        side,
        weights=weights,
        workers=conduct.workers,
        on_unreadable=conduct.on_unreadable,
    )
    print(f"{net.weights} at {side} pixels: {decoded.features.shape[1]:,} features an image")
    results = []
    for seed in seeds:
        task = decoded.split(
            *per_class_split(
                decoded.labels,
                train=train,
                test_at_most=test_at_most,
                seed=seed,
                classes=files.classes,
            )
        )
        for row, tuning in counted(tunings.items(), "rows"):
            settings = {
                **conduct.identity,
                "data": files.name,
                "row": row,
                "seed": seed,
                "size": side,
                "epochs": options.epochs,
                "batch": options.batch,
                "train": train,
                "test_at_most": test_at_most,
                **decoded.came_from,
                **_how(net, tuning, options),
            }
            name = f"{conduct.prefix}{row}-{side}px-{options.epochs}epochs"
            name += f"-train{train}-seed{seed}"
            folder = RunFolder(conduct.out / name, settings)
            results.append(run_tuning(task, tuning, options, conduct, seed, folder, settings))
    return results


def run_tuning(
    task: ImageTask,
    tuning: Tuning | None,
    options: Options,
    conduct: Conduct,
    seed: int,
    folder: RunFolder,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """One tuning from one seed, unless that was done."""
    result = folder.result()
    if result is None:
        started = time.perf_counter()
        if tuning is None:
            measured = judge_probe(task, options, seed)
        elif tuning.regime == "frozen":
            measured = tune_head(task, tuning, options, conduct, seed)
        else:
            measured = tune_net(task, tuning, options, conduct, seed, folder)
        seconds = round(time.perf_counter() - started, 1)
        result = folder.write_result({**settings, **measured, "seconds": seconds})
    accuracy, seconds = result["accuracy"], result["seconds"]
    print(f"{folder.path.name}: {accuracy:.4f}, {seconds:.0f} s", flush=True)
    return result


def _how(net: TunedNet, tuning: Tuning | None, options: Options) -> dict[str, Any]:
    """For a run's settings: of the options those that its result depends on."""
    probe = {"probe_C": list(options.probe_C)}
    if tuning is None:
        return probe
    how = {**tuning.settings, "momentum": options.momentum}
    if tuning.regime == "frozen":
        rates = list(options.head_learning_rates)
        return {**how, "head_steps": options.head_steps, "head_learning_rates": rates}
    how |= probe if tuning.regime == "lp_ft" else {}
    return {**how, "learning_rate": net.learning_rate_of(tuning.regime)}
