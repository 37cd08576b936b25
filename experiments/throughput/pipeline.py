"""Time the input pipeline: images a second alone, of the model's step alone, and of both together.

    python -m experiments.throughput.pipeline                            (drawn files, no download)
    python -m experiments.throughput.pipeline --data folder:caltech101 --net efficientnet_lite0

JPEG files are read, decoded and cropped to uint8 by `ImageStream` with 0 (a thread), 1 and 2 worker
processes, while a fine-tune step of the whole net (random weights, float32, images cropped at
random and mirrored inside the step) computes. The device waits for what both together take longer
than as many steps alone. Where the device is the CPU, decoding takes cores from the step, and that
counts as waiting too.

The numbers go to experiments/results/benchmark_pipeline/, from where `python -m experiments.report`
writes the page of throughput. Nothing else should run meanwhile.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
from PIL import Image

from experiments.command import run_command
from experiments.throughput.interleaved import keep
from experiments.throughput.rows import pipeline_rows
from jtransfer.data.augment.geometric import compose, random_crop, random_flip
from jtransfer.data.feeds.crops import Crop
from jtransfer.data.feeds.image_stream import ImageStream
from jtransfer.data.image_files import ImageFiles
from jtransfer.data.loading import load_files
from jtransfer.measure import console_table
from jtransfer.nets.classifier import Classifier
from jtransfer.nets.parts.trunk import Head
from jtransfer.recipes.finetuning.images.nets import TUNED_NETS
from jtransfer.train.compilation import compile_step
from jtransfer.train.provenance import device_name, provenance
from jtransfer.train.runtime import prepare_process
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from jtransfer.transfer.supervised import supervised_loss

CLASSES = 10  # of the drawn files
SIDE = {"alexnet_2014": 160, "efficientnet_lite0": 128}  # of images, as fine_tune_images has it


@dataclass(frozen=True)
class Config:
    """Settings of a benchmark."""

    net: Literal["alexnet_2014", "efficientnet_lite0"] = "alexnet_2014"  # net that is fine-tuned
    data: str | None = None  # image files, such as folder:caltech101; by default drawn ones
    data_root: Path | None = None  # folder of the data; by default JTRANSFER_DATA, then ./data
    size: int | None = None  # side of the images in pixels; by default the net's small preset
    batch: int = 32  # images in a step
    # processes that decode images, a row each; 0 decodes in a thread
    workers: tuple[int, ...] = (0, 1, 2)
    steps: int = 20  # steps that are timed
    warm_up: int = 3  # steps before those that are timed
    files: int = 400  # files to draw, of 320x240 pixels
    out: Path = Path("experiments/results/benchmark_pipeline")  # where the numbers go


@contextmanager
def image_files(config: Config) -> Iterator[ImageFiles]:
    """The data's files, or drawn ones: coarse noise made smooth, as large as photographs are."""
    if config.data is not None:
        yield load_files(config.data, data_root=config.data_root)
        return
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        paths = tuple(Path(folder) / f"{number}.jpg" for number in range(config.files))
        for path in paths:
            coarse = random.integers(256, size=(24, 32, 3), dtype=np.uint8)
            Image.fromarray(coarse).resize((320, 240)).save(path, quality=90)
        labels = np.arange(config.files) % CLASSES
        yield ImageFiles(paths, labels, tuple("abcdefghij"), "drawn files")


def step_and_state(config: Config, side: int, classes: int, feed: ImageStream):
    """The compiled fine-tune step and its first state."""
    net = Classifier(TUNED_NETS[config.net].trunk(), Head((), classes))
    optimizer = optax.sgd(TUNED_NETS[config.net].learning_rate, momentum=0.9)
    variables = jax.jit(net.init)(jax.random.key(0), jnp.zeros((1, side, side, 3)))
    crop_and_flip = compose(random_crop(side), random_flip)

    def augment(key: jax.Array, batch: Any) -> Any:
        images = TUNED_NETS[config.net].normalised(crop_and_flip(key, batch["source"]["image"]))
        return {"source": {**batch["source"], "image": images}}

    step = make_step(supervised_loss(net), optimizer, total_steps=1_000, augment=augment)
    state = TrainState.create(variables, optimizer, rng=jax.random.key(1))
    return compile_step(step, feed.gather), state


def seconds(config: Config, run: Callable[[int], Any]) -> float:
    """Time of `config.steps` calls of `run(step)` until all that they began is there."""
    result = None
    for number in range(config.warm_up):
        result = run(number)
    jax.block_until_ready(result)
    started = time.perf_counter()
    for number in range(config.warm_up, config.warm_up + config.steps):
        result = run(number)
    jax.block_until_ready(result)
    return time.perf_counter() - started


def main(config: Config) -> dict[str, Any]:
    """Take the times, print them and write them down."""
    prepare_process()
    side = config.size or SIDE[config.net]
    crop = Crop(resize=side * 9 // 8, size=side * 9 // 8)
    images = config.steps * config.batch
    with image_files(config) as files:
        print(f"{config.net}, batches of {config.batch}, {side} pixels, on {device_name()}")
        with ImageStream(files, crop, batch=config.batch) as feed:
            step, state = step_and_state(config, side, len(files.classes), feed)
            first = feed.inputs(0)

        def train(inputs: Any) -> Any:
            nonlocal state
            state, metrics = step(state, (), inputs)
            return state.params, metrics

        of_step = seconds(config, lambda number: train(first))
        rows = []
        for workers in config.workers:
            with ImageStream(files, crop, batch=config.batch, workers=workers) as feed:
                alone = seconds(config, feed.inputs)
            with ImageStream(files, crop, batch=config.batch, workers=workers) as feed:
                both = seconds(config, lambda number, feed=feed: train(feed.inputs(number)))
            rows.append(
                {
                    "workers": workers,
                    "pipeline": images / alone,
                    "together": images / both,
                    "waiting": max(0.0, 1 - of_step / both),
                }
            )
            print(f"{workers} workers: {images / alone:.1f} images/s", flush=True)
    result: dict[str, Any] = {
        "experiment": "benchmark_pipeline",
        "date": str(date.today()),
        "net": config.net,
        "data": files.name,
        "size": side,
        "batch": config.batch,
        "steps": config.steps,
        "step_alone": images / of_step,
        "rows": rows,
        "made_by": provenance(),
    }
    print(
        console_table(
            ["images/s of", "pipeline", "step", "together", "waits"], pipeline_rows(result)
        )
    )
    keep(config.out, config.net, result)
    return result


if __name__ == "__main__":
    run_command(main, Config, __doc__)
