"""Ten small images and a toy net, to extract features of."""

import jax.numpy as jnp
import numpy as np

from jtransfer.transfer.features.extraction import extract

KEY = {"net": "toy", "weights": "ab12", "data": "ten images"}
ROWS = 10
IMAGES = np.arange(ROWS * 4, dtype=np.uint8).reshape(ROWS, 2, 2, 1)


def layers(images):
    """Maps [b, 2, 2, 1] and the sum of each image [b]."""
    images = images.astype(jnp.float32)
    return {"maps": images / 2, "top": images.sum(axis=(1, 2, 3))[:, None]}


class Source:
    """The ten images in batches; remembers where it was started, and can fail or leave rows out."""

    def __init__(self, batch=3, *, fails_at=None, missing=()):
        self.batch, self.fails_at, self.missing = batch, fails_at, missing
        self.starts = []

    def __call__(self, start, stop):
        self.starts.append(start)
        for row in range(start, stop, self.batch):
            if self.fails_at is not None and row >= self.fails_at:
                raise OSError("a broken file")
            rows = np.arange(row, min(row + self.batch, stop))
            rows = rows[~np.isin(rows, self.missing)]
            if len(rows):
                yield rows, IMAGES[rows]


def run(folder, source=None, *, apply=layers, **changes):
    settings = {"rows": ROWS, "key": KEY, "commit_every": 3, **changes}
    return extract(apply, source or Source(), folder=folder, **settings)


def files(folder):
    """What is in a folder, besides its lock."""
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")
