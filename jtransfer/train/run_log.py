"""Telling people and files how a run is going."""

import io
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import jax
import numpy as np
from tqdm import tqdm

from jtransfer.train.counted import duration
from jtransfer.train.records import (
    drop_records,
    line_of,
    read_records as read_records,
    write_records as write_records,
)
from jtransfer.train.run_folder import RunFolderError, read_json, write_json

Sums = dict[str, tuple[Any, Any]]
"""Of every metric its sum and count."""


class RunLog:
    """Metrics of a run: to `metrics.jsonl`, to TensorBoard if it is installed, and to the reader.

    On a terminal the reader sees one bar with loss, examples a second and time left; elsewhere
    (a file, a pipe) a plain line at each logged step. Of several processes that train together the
    first alone writes and tells.

    Args:
      file: `metrics.jsonl`; records behind `first_step` are dropped, as the steps will come again.
        What is damaged in it is moved aside, and told.
      name: what the run is called on screen.
      total_steps: length of the run in steps.
      first_step: steps already taken by an earlier, interrupted part of the run.
      examples_per_step: to tell examples a second.
      stream: where the reader looks; by default standard error.

    Raises:
      RunFolderError: if the file cannot be written.
    """

    def __init__(
        self,
        file: Path,
        *,
        name: str,
        total_steps: int,
        first_step: int = 0,
        examples_per_step: int = 0,
        stream: TextIO | None = None,
    ):
        first = self._first = jax.process_index() == 0
        self._file = file
        self._name = name
        self._total = total_steps
        self._examples = examples_per_step
        self._stream = stream or (sys.stderr if first else io.StringIO())
        self._started = time.perf_counter()
        self._first_step = self._last_step = first_step
        self._last_time = self._started
        try:
            aside = drop_records(file, after=first_step) if first else None
            # Unbuffered, so that nothing is left to be written where the disk was full.
            self._lines = (file if first else Path(os.devnull)).open("ab", buffering=0)
        except OSError as error:
            raise self._not_written(error) from error
        self._board = _tensorboard(file.parent) if first else None
        self._bar = None
        if self._stream.isatty():
            self._bar = tqdm(
                total=total_steps,
                initial=first_step,
                desc=name,
                unit="step",
                file=self._stream,
                leave=False,
                dynamic_ncols=True,
            )
        if aside is not None:
            self.say(f"{file} was damaged: what could not be read is in {aside}, the rest is kept")

    def write(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Record the metrics of the steps up to `step`.

        Of several runs together every metric is an array [runs]: the file gets all of it, the
        reader its mean.

        Raises:
          RunFolderError: if it cannot be written; nothing of it stays in the file then.
        """
        self._append(line_of({"step": step, **metrics}))
        if self._board is not None:
            with self._about_the_board():
                for name, value in metrics.items():
                    self._board.add_scalar(name, np.mean(value), step)
        now = time.perf_counter()
        if step > self._last_step:
            rate = (step - self._last_step) / (now - self._last_time)
            self._last_step, self._last_time = step, now
            self._tell(step, metrics, rate)

    def _tell(self, step: int, metrics: Mapping[str, Any], rate: float) -> None:
        loss = f"loss {np.mean(metrics['loss']):.4f}" if "loss" in metrics else ""
        speed = f"{rate * self._examples:,.0f} examples/s"
        if self._bar is not None:
            self._bar.update(step - self._bar.n)
            self._bar.set_postfix_str(f"{loss}, {speed}")
            return
        taken = step - self._first_step
        left = (time.perf_counter() - self._started) / taken * (self._total - step)
        print(
            f"{self._name}: step {step:,} of {self._total:,}, {loss}, {speed}, "
            f"{duration(left)} left",
            file=self._stream,
            flush=True,
        )

    def sync(self) -> None:
        """Bring what was recorded to the disk, before a checkpoint that it belongs to."""
        if self._first:
            os.fsync(self._lines.fileno())

    def keep_open(self, step: int, sums: Sums) -> None:
        """Keep the sums of a record that a run which stops at `step` was in.

        Raises:
          RunFolderError: if they cannot be written.
        """
        lists = {name: [np.asarray(each).tolist() for each in pair] for name, pair in sums.items()}
        try:
            write_json(self._open_file, {"step": step, "sums": lists})
        except OSError as error:
            raise self._not_written(error) from error

    def take_open(self, step: int) -> Sums:
        """The sums that were kept by a run that stopped at `step`; nothing if there are none."""
        if not self._open_file.exists():
            return {}
        try:
            kept = read_json(
                self._open_file, dict, remedy="The next record is of the other steps alone"
            )
            if kept["step"] != step:
                return {}
            return {
                name: (np.float64(total), np.float64(count))
                for name, (total, count) in kept["sums"].items()
            }
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            self.say(f"what {self._open_file} holds is not used: {error}")
            return {}

    def forget_open(self) -> None:
        """Remove what `keep_open` kept, as the run has got to its end."""
        if self._first:
            self._open_file.unlink(missing_ok=True)

    @property
    def _open_file(self) -> Path:
        return self._file.with_suffix(".open.json")

    @contextmanager
    def _about_the_board(self) -> Iterator[None]:
        """What is wrong with TensorBoard's files is told once, and ends no run: they are extra."""
        try:
            yield
        except OSError as error:
            self._board = None
            self.say(f"TensorBoard's files are not written any more ({error.strerror or error})")

    def _append(self, line: bytes) -> None:
        end = self._lines.tell()
        try:
            while line:
                line = line[self._lines.write(line) :]
        except OSError as error:
            with suppress(OSError):
                self._lines.truncate(end)
            raise self._not_written(error) from error

    def _not_written(self, error: OSError) -> RunFolderError:
        return RunFolderError(
            f"{self._file} cannot be written ({error.strerror or error}); what was recorded before "
            "is still there. See to the disk or the permissions, and run the same command again"
        )

    def say(self, sentence: str) -> None:
        """Show the reader a sentence, above the bar if there is one."""
        if self._bar is not None:
            self._bar.write(sentence, file=self._stream)
        else:
            print(sentence, file=self._stream, flush=True)

    def close(self) -> None:
        """Finish the bar and the files."""
        if self._bar is not None:
            self._bar.close()
        if self._board is not None:
            with self._about_the_board():
                self._board.close()
        self._lines.close()

    def __enter__(self) -> "RunLog":
        """Keep the log open for the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the log."""
        self.close()


def _tensorboard(folder: Path) -> Any:
    try:
        from tensorboardX import SummaryWriter  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    return SummaryWriter(str(folder / "tensorboard"))
