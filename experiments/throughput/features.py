"""Time the extraction of features: AlexNet's forward pass, beside PyTorch's, and the decoding.

    make bench                                     (this part: on two cores some 2 minutes)
    python -m experiments.throughput.features --data folder:caltech101

The whole AlexNet-2014 on random images of 224x224x3, float32, random weights. Each framework runs
in a process of its own and they take turns, a batch at a time; medians and their ratio are printed.
PyTorch is timed twice: as it comes, and with the memory allocator set as jtransfer sets it for
itself (freed memory is kept). With `--data`, decoding and cropping that data set's files is timed
as well, alone and with the net.

The numbers go to experiments/results/benchmark_features/, from where `python -m experiments.report`
writes the page of throughput. Nothing else should run meanwhile.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from experiments.command import run_command
from experiments.throughput.interleaved import Rival, keep, take_turns
from experiments.throughput.pytorch import KEEPING, PYTORCH, has_torch, torch_version
from jtransfer.data.feeds.image_batches import image_batches
from jtransfer.data.loading import load_files
from jtransfer.measure import console_table
from jtransfer.recipes.features.nets import crop_for
from jtransfer.train.provenance import device_name, provenance
from jtransfer.train.runtime import prepare_process


@dataclass(frozen=True)
class Config:
    """Settings of a benchmark."""

    rounds: int = 20  # timed batches of each framework, taken in turns
    warm_up: int = 3  # batches before those that are timed
    batch: int = 64  # images in a batch
    data: str | None = None  # image files to decode, such as folder:caltech101; by default none are
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    workers: int = 2  # processes that decode
    batches: int = 30  # decoded batches that are timed
    out: Path = Path("experiments/results/benchmark_features")  # where the numbers go


def random_images(batch: int) -> np.ndarray:
    """Images [batch, 224, 224, 3] float32; what they show does not matter."""
    return np.random.default_rng(0).normal(size=(batch, 224, 224, 3)).astype(np.float32)


def jax_net() -> Callable[[np.ndarray], Any]:
    """The compiled net, from images to logits."""
    import jax

    from jtransfer.nets.alexnet import alexnet_2014

    net = alexnet_2014()
    variables = jax.jit(net.init)(jax.random.key(0), random_images(1))
    return partial(jax.jit(net.apply), variables)


def jax_forward(batch: int) -> tuple[Callable[[], None], dict[str, float]]:
    """One batch through jtransfer's net at a time."""
    import jax

    prepare_process()
    net, images = jax_net(), jax.device_put(random_images(batch))
    return lambda: jax.block_until_ready(net(images)), {}


def torch_forward(batch: int) -> tuple[Callable[[], None], dict[str, float]]:
    """One batch through PyTorch's net at a time."""
    import torch  # pyright: ignore[reportMissingImports]

    from experiments.throughput.rivals.alexnet import AlexNet2014

    net = AlexNet2014().eval()
    images = torch.from_numpy(random_images(batch)).permute(0, 3, 1, 2).contiguous()

    def run() -> None:
        with torch.inference_mode():
            net(images)

    return run, {}


def torch_forward_keeping_memory(batch: int) -> tuple[Callable[[], None], dict[str, float]]:
    """As `torch_forward`, with the process set up as jtransfer sets itself up."""
    prepare_process()
    return torch_forward(batch)


def decoding(config: Config) -> dict[str, float]:
    """Images a second that are decoded, and decoded and put through the net."""
    import jax

    files = load_files(config.data or "", data_root=config.data_root)
    net, crop = jax_net(), crop_for("alexnet_2014")

    def images_per_second(apply: Callable[[np.ndarray], Any]) -> float:
        decoded = image_batches(files, crop, batch=config.batch, workers=config.workers)
        apply(next(decoded)[1])  # the workers have started, and the net is compiled
        started, count = time.perf_counter(), 0
        for rows, images in islice(decoded, config.batches):
            apply(images)
            count += len(rows)
        return count / (time.perf_counter() - started)

    return {
        "decoded": images_per_second(lambda images: None),
        "decoded_and_net": images_per_second(
            lambda images: jax.block_until_ready(net(images.astype(np.float32)))
        ),
    }


def main(config: Config) -> dict[str, Any]:
    """Take the times, print them and write them down."""
    prepare_process()
    rivals = [Rival("jtransfer", partial(jax_forward, config.batch))]
    if has_torch():
        rivals.append(Rival(PYTORCH, partial(torch_forward, config.batch)))
        keeping = partial(torch_forward_keeping_memory, config.batch)
        rivals.append(Rival(KEEPING, keeping))
    else:
        print("PyTorch is not installed (make bench installs it): its rows are left out")
    print(f"AlexNet-2014 forward, {config.batch} images of 224x224x3, on {device_name()}")
    times = take_turns(rivals, rounds=config.rounds, warm_up=config.warm_up)
    ours = times["jtransfer"]["median_ms"]
    rows = [
        [
            name,
            f"{each['median_ms']:.0f}",
            f"{config.batch / each['median_ms'] * 1e3:,.1f}",
            f"{ours / each['median_ms']:.2f}",
        ]
        for name, each in times.items()
    ]
    print(console_table(["forward", "median ms", "images/s", "jtransfer's time / this"], rows))
    result: dict[str, Any] = {
        "experiment": "benchmark_features",
        "date": str(date.today()),
        "batch": config.batch,
        "forward": times,
    }
    if config.data:
        result["data"] = config.data
        result["workers"] = config.workers
        speeds = result["images_per_second"] = decoding(config)
        print(
            f"{config.data}, {config.workers} workers: {speeds['decoded']:.1f} images/s decoded, "
            f"{speeds['decoded_and_net']:.1f} images/s decoded and through the net"
        )
    result["made_by"] = provenance()
    result["made_by"]["versions"] |= torch_version()
    keep(config.out, "alexnet", result)
    return result


if __name__ == "__main__":
    run_command(main, Config, __doc__)
