"""The folders of a run's checkpoints: which are finished, and which of them intact."""

import shutil
import sys
from pathlib import Path

import jax

from jtransfer.train.checksums import damage, is_sealed

STEP = "step.txt"  # in a step's folder: its number, for a folder can be renamed or copied
_UNFINISHED = ".orbax-checkpoint-tmp"  # in the names of folders that orbax is writing


class CheckpointError(ValueError):
    """A checkpoint that cannot be used or written."""


class StepFolders:
    """The subfolders of a folder that are named by a step. Each is looked at once.

    Args:
      folder: where they are.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._damage: dict[int, str | None] = {}  # of steps that were looked at

    def path(self, step: int) -> Path:
        """The folder of a step."""
        return self._folder / str(step)

    def trust(self, step: int) -> None:
        """Take a step as intact, because this process has just written it."""
        self._damage[step] = None

    def newest(self) -> int | None:
        """The newest intact step, or None if there is no step.

        A step without checksums was not finished, unless none has any: then all are of the time
        before checksums, and the newest is taken. Of that and of damage people are told.

        Raises:
          CheckpointError: if there are steps with checksums and every one is damaged.
        """
        steps = self._steps()
        sealed = [each for each in steps if each in self._damage or is_sealed(self.path(each))]
        if steps and not sealed:
            _tell(f"{self.path(steps[0])} has no checksums; it is taken unchecked")
            self.trust(steps[0])
            return steps[0]
        for step in sealed:
            known = step in self._damage
            if not known:
                self._damage[step] = damage(self.path(step)) or self._misplaced(step)
            if self._damage[step] is None:
                if not known:
                    self._tell_of_damage(step)
                return step
        if not sealed:
            return None
        raise CheckpointError(
            f"every checkpoint in {self._folder} is damaged ({sealed[0]}: "
            f"{self._damage[sealed[0]]}); expected one that is as it was written. Put a copy back, "
            "or remove this folder to start anew"
        )

    def clear(self) -> None:
        """Remove what killed runs left half written or half removed; set newer damage aside.

        To be called by the folder's only writer, for whom they would stand in the way.

        Raises:
          CheckpointError: as `newest`.
        """
        newest = self.newest()
        for path in self._folder.iterdir():
            if path.is_dir() and _UNFINISHED in path.name:
                shutil.rmtree(path)
        for step in self._steps():
            if newest is None or step == newest or not is_sealed(self.path(newest)):
                continue
            if not is_sealed(self.path(step)):
                shutil.rmtree(self.path(step))
            elif step > newest:
                aside = self._folder / f"{step}.damaged"
                shutil.rmtree(aside, ignore_errors=True)
                self.path(step).rename(aside)
                del self._damage[step]

    def _steps(self) -> list[int]:
        """The newest first."""
        names = (path.name for path in self._folder.iterdir() if path.is_dir())
        steps = (name for name in names if name.isdecimal() and name == str(int(name)))
        return sorted(map(int, steps), reverse=True)

    def _misplaced(self, step: int) -> str | None:
        """Which step is in the folder of another, in words; None if it is its own."""
        file = self.path(step) / STEP
        if not file.exists():  # of the time before it was written
            return None
        there = file.read_text().strip()
        return None if there == str(step) else f"it holds step {there}"

    def _tell_of_damage(self, newest: int) -> None:
        for step, what in self._damage.items():
            if what is not None and step > newest:
                _tell(
                    f"{self.path(step)} is damaged ({what}); the newest intact checkpoint is that "
                    f"of step {newest:,}"
                )


def _tell(sentence: str) -> None:
    if jax.process_index() == 0:
        print(sentence, file=sys.stderr, flush=True)
