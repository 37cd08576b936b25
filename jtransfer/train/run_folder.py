"""What a run leaves behind: its config, metrics, result and checkpoints, in one folder."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax


class RunFolderError(ValueError):
    """A run cannot use the folder that it was given."""


class RunFolder:
    """The folder of one run: `config.json`, `metrics.jsonl`, `result.json`, `steps/`, figures.

    Of several processes that train together all need to see it, and the first alone writes.

    Args:
      path: the folder; made if it is not there.
      config: the run's settings, JSON-serialisable.

    Raises:
      RunFolderError: if the folder holds a run with another config, or files that are no run's.
    """

    def __init__(self, path: Path | str, config: Mapping[str, Any]):
        self.path = Path(path)
        self._made_by = provenance()  # now, for the sources may change while the run goes on
        if jax.process_index() != 0:
            return
        self.path.mkdir(parents=True, exist_ok=True)
        settings = json.loads(json.dumps(config))
        file = self.path / "config.json"
        if file.exists():
            there = json.loads(file.read_text())
            if there != settings:
                keys = sorted(there.keys() | settings.keys())
                differing = ", ".join(
                    f"{key}: {there.get(key)!r} there, {settings.get(key)!r} asked for"
                    for key in keys
                    if there.get(key) != settings.get(key)
                )
                raise RunFolderError(
                    f"{self.path} holds a run with another config ({differing}); "
                    "choose another output folder, or remove this one to start over"
                )
        elif any(self.path.iterdir()):
            raise RunFolderError(
                f"{self.path} holds files but no config.json, so it is no run's folder; "
                "choose another output folder"
            )
        else:
            write_json(file, settings)

    @property
    def metrics_file(self) -> Path:
        """One JSON object a line, one line a logged step."""
        return self.path / "metrics.jsonl"

    @property
    def checkpoint_folder(self) -> Path:
        """Where `Checkpoints` keeps the run's states."""
        return self.path / "steps"

    def result(self) -> dict[str, Any] | None:
        """The finished run's result, or None if it has not finished."""
        file = self.path / "result.json"
        return json.loads(file.read_text()) if file.exists() else None

    def write_result(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """Write `result.json` with what it was made by; an existing one is an error.

        Raises:
          FileExistsError: if the run has a result already.
        """
        file = self.path / "result.json"
        if file.exists() and jax.process_index() == 0:
            raise FileExistsError(f"{file} exists; a result is never overwritten")
        full = {**result, "made_by": self._made_by}
        write_json(file, full)
        return full


def write_json(file: Path, content: Any) -> None:
    """Write JSON so that the file is there whole or not at all; the first process alone writes."""
    if jax.process_index() != 0:
        return
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    temporary.write_text(json.dumps(content, indent=2) + "\n")
    os.replace(temporary, file)


def provenance() -> dict[str, Any]:
    """Versions, device and git revision of this process."""
    names = ("jax", "flax", "optax", "numpy", "jtransfer")
    return {
        "versions": {
            "python": platform.python_version(),
            **{name: _version(name) for name in names},
        },
        "device": device_name(),
        "git_revision": _git_revision(),
    }


def device_name() -> str:
    """The devices in words, such as `1 x cpu (x86_64, 2 cores)`."""
    device = jax.devices()[0]
    kind = device.device_kind
    if device.platform == "cpu":
        # The cores this process may use; only Linux tells them apart from those of the machine.
        mine = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0)
        kind = f"cpu ({platform.machine()}, {len(mine)} core{'s' if len(mine) > 1 else ''})"
    return f"{jax.device_count()} x {kind}"


def _version(name: str) -> str:
    try:
        return version(name)
    except ModuleNotFoundError:
        return "not installed"


def _git_revision() -> str:
    """The sources' revision, with `+changes` if they differ from it; `unknown` outside git."""
    here = Path(__file__).parent

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=here, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        revision = git("rev-parse", "--short=12", "HEAD")
        changed = git("status", "--porcelain", "--", "../")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return revision + ("+changes" if changed else "")
