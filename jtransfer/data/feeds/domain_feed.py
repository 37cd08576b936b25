"""Batches of several domains of image files, each of its own length, in memory where it fits."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
from tqdm import tqdm

from jtransfer.data.examples import DataError
from jtransfer.data.feeds.crops import Crop
from jtransfer.data.feeds.file_examples import IN_MEMORY
from jtransfer.data.feeds.image_batches import image_batches
from jtransfer.data.feeds.image_stream import ImageStream
from jtransfer.data.feeds.resident import Domain, ResidentFeed, Transform, taken
from jtransfer.data.feeds.unreadable import OnUnreadable
from jtransfer.data.image_files import ImageFiles

if TYPE_CHECKING:
    from jax.sharding import Mesh

_READ = 64  # images at a time, of those that are kept


@dataclass(frozen=True)
class FileDomain:
    """One domain of a feed, as image files.

    Attributes:
      files: the images.
      crop: makes an array of one shape from an image of any size.
      batch: examples a step.
      labelled: whether the batches have its labels; of a target whose labels no method is given
        there is no field to give.
      transform: applied to the uint8 images inside the compiled step; None leaves them.
    """

    files: ImageFiles
    crop: Crop
    batch: int
    labelled: bool = True
    transform: Transform | None = None

    @property
    def bytes(self) -> int:
        """What its decoded images take."""
        return len(self.files) * self.crop.views * self.crop.size**2 * 3


class DomainFeed:
    """A feed for `fit` of several domains, each shuffled anew in epochs of its own length.

    A domain whose images fit is read once and stays on the device; of another one batches are
    decoded ahead, in a thread or in worker processes of its own. A batch is a pure function of
    (seed, step), the same in both ways, so that a resumed run goes on in the middle of all epochs.

    Worker processes import the script that called: call from below its
    `if __name__ == "__main__":`, and close the feed, or use it in a `with` statement.
    """

    def __init__(
        self,
        domains: Mapping[str, FileDomain],
        *,
        seed: int = 0,
        workers: int = 0,
        on_unreadable: OnUnreadable = "stop",
        in_memory: int = IN_MEMORY,
        mesh: "Mesh | None" = None,
    ):
        """Describe the feed; nothing is read yet.

        Args:
          domains: by their names in the batch.
          seed: of the orders of the images.
          workers: processes that decode, for each domain that is not kept; 0 for a thread.
          on_unreadable: what to do about files that cannot be read, as in `image_batches` for a
            domain that is kept and as in `ImageStream` for another.
          in_memory: bytes of a domain's decoded images up to which it is kept.
          mesh: of the devices that train together, as in `ImageStream`.

        Raises:
          DataError: if there is no domain, or a number is out of range.
        """
        if not domains:
            raise DataError("there is no domain; expected one or more. Name them")
        for name, each in domains.items():
            if not 1 <= each.batch <= len(each.files):
                raise DataError(
                    f"a batch of {each.batch} cannot be drawn from the {len(each.files):,} files "
                    f"of {name}; expected 1 to that many. Give more files, or another batch"
                )
        self.domains, self.seed = dict(domains), seed
        self._workers = workers
        self._on_unreadable: OnUnreadable = on_unreadable
        self._kept = {name: each for name, each in domains.items() if each.bytes <= in_memory}
        self._streams = {
            name: ImageStream(
                each.files,
                each.crop,
                batch=each.batch,
                domain=name,
                labelled=each.labelled,
                seed=(seed, crc32(name.encode())),
                workers=workers,
                on_unreadable=on_unreadable,
                transform=each.transform,
                mesh=mesh,
            )
            for name, each in domains.items()
            if name not in self._kept
        }

    @property
    def examples_per_step(self) -> int:
        """Examples of all domains in one batch."""
        return sum(each.batch for each in self.domains.values())

    @property
    def constants(self) -> Any:
        """The images of the domains that are kept, on the device; read when first asked for."""
        return self._resident.constants

    def inputs(self, step: int) -> dict[str, Any]:
        """What each domain sends for a step: its batch, or the positions of what is there already.

        Errors are those of `ImageStream.inputs`.
        """
        streamed = [stream.inputs(step) for stream in self._streams.values()]
        sent: dict[str, Any] = dict(self._resident.inputs(step))
        for each in streamed:
            sent |= each
        return sent

    def gather(self, constants: Any, inputs: Any) -> dict[str, dict[str, Any]]:
        """For `compile_step`: the batch with all images transformed; pure, and reads no file."""
        batch = {
            name: taken(constants[name], inputs[name], each.transform)
            for name, each in self._kept.items()
        }
        for name, stream in self._streams.items():
            batch |= stream.gather((), {name: inputs[name]})
        return {name: batch[name] for name in self.domains}

    def close(self) -> None:
        """End all threads and worker processes; `inputs` starts them anew."""
        with ExitStack() as stack:
            for stream in self._streams.values():
                stack.callback(stream.close)

    def __enter__(self) -> "DomainFeed":
        """Itself."""
        return self

    def __exit__(self, *raised: object) -> None:
        """Close."""
        self.close()

    @cached_property
    def _resident(self) -> ResidentFeed:
        return ResidentFeed(
            {name: self._read(name, each) for name, each in self._kept.items()}, self.seed
        )

    def _read(self, name: str, domain: FileDomain) -> Domain:
        """All images of a domain."""
        rows, images = [], []
        with tqdm(
            desc=f"reading {name}", total=len(domain.files), unit="img", disable=None, leave=False
        ) as bar:
            for positions, pixels in image_batches(
                domain.files,
                domain.crop,
                batch=_READ,
                workers=self._workers,
                on_unreadable=self._on_unreadable,
            ):
                rows.append(positions)
                images.append(pixels)
                bar.update(len(positions))
        fields = {"image": np.concatenate(images)}
        if domain.labelled:
            fields["label"] = domain.files.labels[np.concatenate(rows)]
        return Domain(fields, domain.batch, domain.transform)
