"""Time an epoch of MNIST -> MNIST-M by DANN, from the files on disk to the last step.

    python -m experiments.throughput.epoch                    (on two cores some 7 minutes)
    make bench                                               (there with 12,800 images, 2 minutes)

Both sides read MNIST's files and BSDS500's photographs and blend MNIST-M from them by the same
NumPy code, then take every image of both domains once, 64 + 64 a step, on the paper's MNIST net.
jtransfer keeps the bytes on the device and gathers and centres a batch inside of the compiled step.
PyTorch reads them as public implementations of DANN do: a Dataset a domain that turns one image of
bytes at a time into centred floats, a DataLoader each with worker processes, and zip.

Each runs in a process of its own; they take turns, an epoch at a time, after one that is not timed,
which leaves the files in the system's cache and jtransfer's program in the cache of compiled ones.
Without PyTorch its row is left out. The numbers go to experiments/results/benchmark_epoch/, from
where `python -m experiments.report` writes the page of throughput. Nothing else should run
meanwhile.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import optax

from experiments.command import run_command
from experiments.throughput.interleaved import Prepared, Rival, apart, keep, take_turns
from experiments.throughput.jax_steps import half, training
from experiments.throughput.pytorch import PYTORCH, has_torch, torch_version
from experiments.throughput.random_data import Size
from jtransfer.data import Examples, images, load, require_same_classes
from jtransfer.data.feeds.resident import Domain, ResidentFeed, centred, channel_means
from jtransfer.measure import console_table
from jtransfer.nets.ganin import mnist_net
from jtransfer.train.loop import fit
from jtransfer.train.provenance import provenance
from jtransfer.train.runtime import prepare_process
from jtransfer.train.schedules import inverse_decay
from jtransfer.transfer.adaptation.dann import dann_loss

SIDE = 32  # of the images in pixels


@dataclass(frozen=True)
class Config:
    """Settings of a benchmark."""

    images: int = 60_000  # images of each domain; fewer than all are drawn at random
    batch: int = 64  # images of each domain in a step
    repeats: int = 3  # timed epochs of each side
    workers: int = 2  # processes of each DataLoader
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    out: Path = Path("experiments/results/benchmark_epoch")  # where the numbers go


def read_domains(config: Config) -> tuple[Examples, Examples]:
    """Source and target from the files, as bytes [n, 32, 32, 3]."""
    source, target = (
        images.fit(
            load(name, "train", data_root=config.data_root, size=config.images),
            size=SIDE,
            channels=3,
        )
        for name in ("idx:mnist", "synthetic:mnist_m")
    )
    require_same_classes(source, target)
    return source, target


def jax_epoch(config: Config) -> Prepared:
    """An epoch of jtransfer at a time."""
    prepare_process()

    def run() -> None:
        source, target = read_domains(config)
        fields = {
            "source": {"image": source.images, "label": source.labels},
            "target": {"image": target.images},
        }
        feed = ResidentFeed(
            {
                name: Domain(each, config.batch, centred(channel_means(each["image"])))
                for name, each in fields.items()
            }
        )
        net, steps = mnist_net(), len(source) // config.batch
        optimizer = optax.sgd(inverse_decay(0.01, total_steps=steps), momentum=0.9)
        variables = net.init(jax.random.key(0), jnp.zeros((1, SIDE, SIDE, 3)))
        loss = dann_loss(net, reversal=half)
        work = training(variables, loss, optimizer, feed, feed.gather)
        state = fit(work.step, work.state, feed, steps=steps)
        jax.block_until_ready(state.params)

    return run, {}


def torch_epoch(config: Config) -> Prepared:
    """An epoch of PyTorch at a time."""
    from torch.utils.data import DataLoader  # pyright: ignore[reportMissingImports]

    from experiments.throughput.rivals.steps import DEVICE, TORCH_STEPS, ByteImages, TorchStep, wait

    rival = TORCH_STEPS["dann-mnist"]
    assert isinstance(rival, TorchStep)
    loader: Callable[..., Any] = partial(
        DataLoader,
        batch_size=config.batch,
        shuffle=True,
        drop_last=True,
        num_workers=config.workers,
    )

    def run() -> None:
        step = rival.step_of(rival.module(Size(config.batch, SIDE, domains=2)).to(DEVICE))
        loaders = (loader(ByteImages(each.images, each.labels)) for each in read_domains(config))
        for (source, labels), (target, _) in zip(*loaders, strict=True):
            batch = {"source": source, "label": labels, "target": target}
            step({name: each.to(DEVICE) for name, each in batch.items()})
        wait()

    return run, {}


def main(config: Config) -> dict[str, Any]:
    """Take the times, print them and write them down."""
    if config.repeats < 2:
        raise ValueError(f"repeats is {config.repeats}; quartiles need two at least")
    rivals = [Rival("jtransfer", partial(jax_epoch, config))]
    if has_torch():
        rivals.append(Rival(PYTORCH, partial(torch_epoch, config)))
    else:
        print("PyTorch is not installed (make bench installs it): its row is left out")
    steps = config.images // config.batch
    print(
        f"{steps:,} DANN steps on {config.images:,} images of each domain, {config.repeats} times"
    )
    times = take_turns(rivals, rounds=config.repeats, warm_up=1)
    theirs = times.get(PYTORCH)
    ratio = None if theirs is None else theirs["median_ms"] / times["jtransfer"]["median_ms"]
    rows = [
        [name, f"{each['median_ms'] / 1e3:.1f} s", f"{steps / each['median_ms'] * 1e3:.1f}"]
        for name, each in times.items()
    ]
    print(console_table(["an epoch", "median", "steps/s, all told"], rows))
    if ratio is not None:
        print(f"jtransfer is {ratio:.2f} times as fast")
    made_by = apart(provenance)
    made_by["versions"] |= torch_version()
    result: dict[str, Any] = {
        "experiment": "benchmark_epoch",
        "date": str(date.today()),
        "images": config.images,
        "batch": config.batch,
        "workers": config.workers,
        "epoch": times,
        "times_faster": ratio,
        "made_by": made_by,
    }
    keep(config.out, f"mnist-mnist_m-{config.images}", result)
    return result


if __name__ == "__main__":
    run_command(main, Config, __doc__)
