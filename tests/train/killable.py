"""A run with everything that has a state: `python -m tests.train.killable FOLDER STEP SECONDS`.

So many seconds after that step was asked for the process is killed, whatever it is doing then.
Images are streamed from files, in batches that end in the middle of epochs; gradients are those of
two parts, the parameters are averaged, and it stops early. FOLDER/run is the run's, FOLDER/images
has the images.
"""

import io
import os
import signal
import sys
import threading
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from jtransfer.data.feeds.crops import Crop
from jtransfer.data.feeds.image_stream import ImageStream
from jtransfer.data.image_files import ImageFiles
from jtransfer.train.averaging import averaged, averaged_params
from jtransfer.train.checkpoint import Checkpoints
from jtransfer.train.compilation import compile_step
from jtransfer.train.early_stopping import EarlyStopping
from jtransfer.train.loop import fit
from jtransfer.train.run_folder import RunFolder
from jtransfer.train.run_log import RunLog
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step
from tests.train import regression

STEPS, BEST, STOPPED = 400, 30, 70
OPTIMIZER = averaged(regression.OPTIMIZER, decay=0.9)


def write_images(folder: Path) -> None:
    """Ten images of noise."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(10):
        pixels = random.integers(256, size=(9, 12, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")


def gather(constants, inputs):
    """The mean colour of each image, and its label."""
    del constants
    fields = inputs["source"]
    return fields["image"].mean((1, 2)) / 255, fields["label"].astype(jnp.float32)


def evaluate(state: TrainState) -> dict[str, float]:
    """How far the averaged bias is from a number it passes on its way, so that the run stops."""
    bias = jax.device_get(averaged_params(state)["b"])
    return {"distance": float(abs(bias[0] - 0.26))}


class Stream(ImageStream):
    """Kills the process some time after a step was asked for."""

    kill_at, seconds = -1, 0.0

    def inputs(self, step):
        if step == self.kill_at:
            timer = threading.Timer(self.seconds, os.kill, (os.getpid(), signal.SIGKILL))
            timer.daemon = True
            timer.start()
        return super().inputs(step)


def train(folder: Path, kill_at: int = -1, seconds: float = 0.0) -> TrainState:
    """Train, or go on training, until it stops; the best state."""
    files = sorted((folder / "images").iterdir())
    images = ImageFiles(tuple(files), np.arange(10), tuple("abcdefghij"), "noise")
    run = RunFolder(folder / "run", {"steps": STEPS})
    stopping = EarlyStopping(
        "distance", patience=4, higher_is_better=False, folder=run.path / "stopping"
    )
    step = make_step(regression.loss, OPTIMIZER, total_steps=STEPS, accumulate=2)
    variables = {"params": {"w": jnp.zeros(3), "b": jnp.zeros(1)}, "seen": jnp.zeros(())}
    with (
        Checkpoints(run.checkpoint_folder) as checkpoints,
        Stream(images, Crop(resize=8, size=6), batch=4) as feed,
    ):
        feed.kill_at, feed.seconds = kill_at, seconds
        state = TrainState.create(variables, OPTIMIZER, rng=jax.random.key(7))
        if checkpoints.latest_step is not None:
            state = checkpoints.restore(state)
        with RunLog(
            run.metrics_file,
            name="run",
            total_steps=STEPS,
            first_step=int(state.step),
            stream=io.StringIO(),
        ) as log:
            state = fit(
                compile_step(step, gather),
                state,
                feed,
                steps=STEPS,
                log=log,
                log_every=5,
                evaluate=evaluate,
                evaluate_every=10,
                early_stopping=stopping,
                checkpoints=checkpoints,
                checkpoint_every=10,
            )
    return state


if __name__ == "__main__":
    train(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
    os.kill(os.getpid(), signal.SIGKILL)  # it was over sooner
