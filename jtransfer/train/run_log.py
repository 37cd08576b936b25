"""Telling people and files how a run is going."""

import io
import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

import jax
import numpy as np
from tqdm import tqdm


class RunLog:
    """Metrics of a run: to `metrics.jsonl`, to TensorBoard if it is installed, and to the reader.

    On a terminal the reader sees one bar with loss, examples a second and time left; elsewhere
    (a file, a pipe) a plain line at each logged step. Of several processes that train together the
    first alone writes and tells.

    Args:
      file: `metrics.jsonl`; lines behind `first_step` are dropped, as the steps will come again.
      name: what the run is called on screen.
      total_steps: length of the run in steps.
      first_step: steps already taken by an earlier, interrupted part of the run.
      examples_per_step: to tell examples a second.
      stream: where the reader looks; by default standard error.
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
        first = jax.process_index() == 0
        self._name = name
        self._total = total_steps
        self._examples = examples_per_step
        self._stream = stream or (sys.stderr if first else io.StringIO())
        self._started = time.perf_counter()
        self._first_step = self._last_step = first_step
        self._last_time = self._started
        if first:
            drop_records(file, after=first_step)
        self._lines = (file if first else Path(os.devnull)).open("a")
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

    def write(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Record the metrics of the steps up to `step`.

        Of several runs together every metric is an array [runs]: the file gets all of it, the
        reader its mean.
        """
        self._lines.write(json.dumps({"step": step, **metrics}, default=np.ndarray.tolist) + "\n")
        self._lines.flush()
        if self._board is not None:
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
            f"{_duration(left)} left",
            file=self._stream,
            flush=True,
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
            self._board.close()
        self._lines.close()

    def __enter__(self) -> "RunLog":
        """Keep the log open for the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the log."""
        self.close()


def read_records(file: Path) -> list[dict[str, Any]]:
    """The records of a `metrics.jsonl`; a last line cut off by a crash is left out."""
    records = []
    for line in file.read_text().splitlines() if file.exists() else []:
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return records


def drop_records(file: Path, *, after: int) -> None:
    """Keep the records of `file` up to step `after`."""
    if file.exists():
        write_records(file, [record for record in read_records(file) if record["step"] <= after])


def write_records(file: Path, records: list[dict[str, Any]]) -> None:
    """Write a whole `metrics.jsonl`, so that it is there as before or as it shall be."""
    temporary = file.with_suffix(".partial")
    temporary.write_text("".join(json.dumps(record) + "\n" for record in records))
    temporary.replace(file)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02d}m" if hours else f"{minutes}m {seconds:02d}s"


def _tensorboard(folder: Path) -> Any:
    try:
        from tensorboardX import SummaryWriter  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    return SummaryWriter(str(folder / "tensorboard"))
