"""One of several processes that read image files together; started by the tests.

    python -m tests.transfer.features_of_several COORDINATOR PROCESSES PROCESS FOLDER

Each has two devices. It writes which files it decoded, and what came of them.
"""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.data.feeds import image_batches as batches_module, image_stream as stream_module
from jtransfer.data.feeds.crops import Crop
from jtransfer.data.image_files import ImageFiles
from jtransfer.train.parallel import Parallel
from jtransfer.train.runtime import prepare_process
from jtransfer.transfer.features.extraction import extract
from jtransfer.transfer.features.local_devices import over_local_devices
from jtransfer.transfer.features.probe import fit_svm

COUNT, SIDE, BATCH, STEPS = 24, 8, 8, 3  # an epoch
CROP = Crop(resize=SIDE, size=SIDE)


def files_in(folder: Path) -> ImageFiles:
    paths = tuple(sorted((folder / "images").iterdir()))
    return ImageFiles(paths, np.arange(len(paths)) % 2, ("even", "odd"), "toy")


def forward(variables: Any, images: jax.Array) -> dict[str, jax.Array]:
    pixels = images.reshape(images.shape[0], -1) / 255
    return {"top": jnp.tanh(pixels @ variables)}


def streamed(stream: stream_module.ImageStream) -> list[dict[str, np.ndarray]]:
    """What this process has of each of some batches, device by device."""
    found = []
    for step in range(STEPS):
        batch = stream.inputs(step)["source"]
        found.append({name: held(values) for name, values in batch.items()})
    return found


def held(values: jax.Array) -> np.ndarray:
    return np.concatenate([np.asarray(each.data) for each in values.addressable_shards])


def work(folder: Path, cache: Path, mesh: Any) -> dict[str, np.ndarray]:
    """Features, a probe of them, and the batches of a stream, with the files that were decoded."""
    files, decoded = files_in(folder), {"features": [], "stream": []}

    def counting(where: str, read: Any) -> Any:
        def counted(path: Path, **options: Any) -> Any:
            decoded[where].append(path.name)
            return read(path, **options)

        return counted

    variables = np.random.default_rng(0).normal(size=(3 * SIDE**2, 5)).astype(np.float32) / SIDE
    with ExitStack() as patched:
        for where, module in (("features", batches_module), ("stream", stream_module)):
            counted = counting(where, module.read_rgb)
            patched.enter_context(mock.patch.object(module, "read_rgb", counted))
        features = extract(
            over_local_devices(forward, variables),
            lambda start, stop: batches_module.image_batches(
                files, CROP, batch=4, start=start, stop=stop
            ),
            rows=len(files),
            folder=cache,
            key={"data": "toy"},
            commit_every=4,
        )
        with stream_module.ImageStream(files, CROP, batch=BATCH, ahead=1, mesh=mesh) as stream:
            batches = streamed(stream)
    top = np.array(features.layers["top"])
    probe = fit_svm(top, files.labels, 1.0, classes=2)
    return {
        "features": top,
        "probe": np.asarray(probe.weights),
        "decoded_features": np.array(decoded["features"]),
        "decoded_stream": np.array(decoded["stream"]),
        "images": np.stack([batch["image"] for batch in batches]),
        "labels": np.stack([batch["label"] for batch in batches]),
    }


def main(coordinator: str, processes: str, process: str, folder: str) -> None:
    parallel = Parallel(2, True, coordinator, int(processes), int(process))
    prepare_process(parallel)
    found = work(Path(folder), Path(folder) / "shared", parallel.mesh)
    np.savez(Path(folder) / f"found-{process}.npz", **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
