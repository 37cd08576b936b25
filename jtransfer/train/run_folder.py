"""What a run leaves behind: its config, metrics, result and checkpoints, in one folder."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from weakref import WeakValueDictionary

import jax

from jtransfer.files.locking import sole_writer
from jtransfer.files.reading import read_bytes, reading
from jtransfer.files.writing import remove_unfinished, write_text
from jtransfer.train.provenance import provenance

Kind = TypeVar("Kind", dict[str, Any], list[Any])
_JSON: dict[type, str] = {dict: "object", list: "array"}


class RunFolderError(ValueError):
    """A run cannot use the folder that it was given."""


class RunFolder:
    """The folder of one run: `config.json`, `metrics.jsonl`, `result.json`, `steps/`, figures.

    One process at a time has it: until the last `RunFolder` of the path in a process is gone, or
    the process is. Of several processes that train together all need to see it, and the first
    alone writes.

    Args:
      path: the folder; made if it is not there.
      config: the run's settings, JSON-serialisable.

    Raises:
      RunFolderError: if the folder holds a run with another config, or files that are no run's, or
        a config that cannot be read; if another process has it; or if it cannot be written to.
    """

    def __init__(self, path: Path | str, config: Mapping[str, Any]):
        self.path = Path(path)
        self._made_by = provenance()  # now, for the sources may change while the run goes on
        if jax.process_index() != 0:
            return
        settings = json.loads(json.dumps(config))
        file = self.path / "config.json"
        with _writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            self._held = _Held.by_this_process(self.path)
            for folder in (self.path, *(each for each in self.path.rglob("*") if each.is_dir())):
                remove_unfinished(folder)
            files = [each.name for each in self.path.iterdir() if not each.name.startswith(".")]
            if not files:
                write_json(file, settings)
                return
        if file.name not in files:
            raise RunFolderError(
                f"{self.path} holds files but no config.json, so it is no run's folder; "
                "choose another output folder"
            )
        there = read_json(
            file,
            dict,
            remedy=f"What this folder is of cannot be told: put the file back, or remove "
            f"{self.path} to start over",
        )
        if there != settings:
            differing = ", ".join(
                f"{key}: {there.get(key)!r} there, {settings.get(key)!r} asked for"
                for key in sorted(there.keys() | settings.keys())
                if there.get(key) != settings.get(key)
            )
            raise RunFolderError(
                f"{self.path} holds a run with another config ({differing}); "
                "choose another output folder, or remove this one to start over"
            )

    @property
    def metrics_file(self) -> Path:
        """One JSON object a line, one line a logged step."""
        return self.path / "metrics.jsonl"

    @property
    def checkpoint_folder(self) -> Path:
        """Where `Checkpoints` keeps the run's states."""
        return self.path / "steps"

    def result(self) -> dict[str, Any] | None:
        """The finished run's result, or None if it has not finished.

        Raises:
          RunFolderError: if there is one that cannot be read.
        """
        file = self.path / "result.json"
        if not file.exists():
            return None
        return read_json(file, dict, remedy="Remove it, and the same command makes it again")

    def write_result(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """Write `result.json` with what it was made by; an existing one is an error.

        Raises:
          FileExistsError: if the run has a result already.
          RunFolderError: if it cannot be written.
        """
        file = self.path / "result.json"
        if file.exists() and jax.process_index() == 0:
            raise FileExistsError(f"{file} exists; a result is never overwritten")
        full = {**result, "made_by": self._made_by}
        with _writing(file):
            write_json(file, full)
        return full


class _Held:
    """A folder that this process has for its own; all its `RunFolder`s share it."""

    _by_path: ClassVar[WeakValueDictionary[Path, "_Held"]] = WeakValueDictionary()

    def __init__(self, folder: Path):
        self._lock = ExitStack()
        self._lock.enter_context(sole_writer(folder, busy=lambda: _busy(folder)))

    @classmethod
    def by_this_process(cls, folder: Path) -> "_Held":
        """Take a folder, unless that was done."""
        path = folder.resolve()
        if path not in cls._by_path:
            cls._by_path[path] = held = cls(path)
            return held
        return cls._by_path[path]

    def __del__(self):
        self._lock.close()


def _busy(folder: Path) -> RunFolderError:
    return RunFolderError(
        f"another process is running in {folder}; wait until it has finished, or choose another "
        "output folder"
    )


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Say in a sentence why something cannot be written."""
    try:
        yield
    except OSError as error:
        raise RunFolderError(
            f"{path} cannot be written ({error.strerror or error}); what was there before is still "
            "there. See to the disk or the permissions, and run the same command again"
        ) from error


def read_json(file: Path, kind: type[Kind], *, remedy: str) -> Kind:
    """The object or array that a JSON file holds.

    Args:
      file: to read.
      kind: `dict` or `list`.
      remedy: what to do where its content is at fault, for the message.

    Raises:
      RunFolderError: if it cannot be read, is empty or cut, or holds something else.
    """
    expected = f"a JSON {_JSON[kind]}"
    with reading(file, expected, error=RunFolderError, damaged=remedy):
        content = read_bytes(file)
        try:
            value = json.loads(content)
        except (ValueError, RecursionError) as error:
            what = f"is no whole JSON ({error})" if content.strip() else "is empty"
            raise RunFolderError(f"{file} {what}; expected {expected}. {remedy}") from error
        if not isinstance(value, kind):
            raise RunFolderError(
                f"{file} holds a {type(value).__name__}; expected {expected}. {remedy}"
            )
        return value


def write_json(file: Path, content: Any) -> None:
    """Write JSON so that the file is there whole or as before; the first process alone writes.

    Raises:
      OSError: if it cannot be written.
    """
    if jax.process_index() == 0:
        write_text(file, json.dumps(content, indent=2) + "\n")
