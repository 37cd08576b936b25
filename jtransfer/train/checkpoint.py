"""Checkpoints: the whole state, written atomically and in the background, and checked when read.

All of orbax that jtransfer uses is behind this file; it is orbax's API of today, for the next one,
`ocp.save` and `ocp.load`, lies below `orbax.checkpoint.experimental` as yet. Orbax keeps no
checksums of large arrays: a bit that flipped on the disk would be trained on. So every step is
sealed after it has been written, and only one that is as it was sealed is restored.
"""

import errno
import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import jax
import numpy as np
from jax.experimental import multihost_utils

from jtransfer.files.locking import sole_writer
from jtransfer.files.writing import write_text
from jtransfer.train.checksums import seal
from jtransfer.train.state import PyTree, TrainState
from jtransfer.train.step_folders import STEP, CheckpointError, StepFolders
from jtransfer.train.structure import differences, structure

if TYPE_CHECKING:
    from orbax.checkpoint import CheckpointManager

_STATE = "default"  # in a step's folder: where orbax puts the state
STRUCTURE = "structure.json"  # in a step's folder: what the state is made of
# Why something cannot be written; orbax says it at the end of a long message.
_CAUSES = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO)


class Checkpoints:
    """The checkpoints of one run; usable as a context manager.

    A save returns once the state is copied and is written by a thread, first under a temporary
    name, and then sealed by checksums: a run killed in the middle finds the checkpoint before it.
    The first save takes the folder until `close`; it removes what killed runs left unfinished, and
    renames damaged steps to `<step>.damaged`.

    Args:
      folder: where they are kept, one subfolder a step.
      keep: how many of the newest to keep; with one there is none to go back to if it is damaged.

    Raises:
      ValueError: if `keep` is below 1.
      CheckpointError: if the folder is none and cannot be made.
    """

    def __init__(self, folder: Path | str, *, keep: int = 2):
        if keep < 1:
            raise ValueError(f"keep is {keep}; expected 1 checkpoint or more, 2 to be safe")
        self._folder, self._keep = Path(folder).absolute(), keep
        try:
            # The others wait for it in the manager: what they make first would be in a run's folder
            # before its settings are.
            if jax.process_index() == 0:
                self._folder.mkdir(parents=True, exist_ok=True)
            if jax.process_count() > 1:
                self._manager.all_steps()
        except OSError as error:
            raise self._no_place(error) from error
        self._steps = StepFolders(self._folder)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="seal")
        self._pending: tuple[int, Future[None] | None] | None = None
        self._held = ExitStack()
        self._writing = False

    @property
    def latest_step(self) -> int | None:
        """Step of the newest finished and intact checkpoint, or None if there is none.

        Damaged ones are told of on standard error.

        Raises:
          CheckpointError: if every checkpoint is damaged.
        """
        self.wait()
        return self._steps.newest()

    def save(self, state: TrainState) -> None:
        """Begin to write `state`; one that is there already for its step is left alone.

        Raises:
          CheckpointError: if this or the save before it cannot be written, or if another process
            writes to the folder.
        """
        from orbax import checkpoint as ocp

        step = int(jax.device_get(state.step))
        self.wait()
        self._begin_writing()
        if step in self._manager.all_steps():
            return
        try:
            begun = self._manager.save(step, args=ocp.args.StandardSave(_storable(state)))
        except Exception as error:
            raise self._not_written(step, error) from error
        if begun:
            first = jax.process_index() == 0
            sealing = self._thread.submit(self._seal, step, structure(state)) if first else None
            self._pending = step, sealing

    def restore(self, like: TrainState) -> TrainState:
        """The newest intact checkpoint, with the structure, dtypes and devices of `like`.

        Raises:
          FileNotFoundError: if there is none.
          CheckpointError: if every one is damaged, or if it is of a state of another structure.
        """
        from orbax import checkpoint as ocp

        step = self._newest()
        self._require_structure(step, structure(like))
        abstract = jax.tree.map(ocp.utils.to_shape_dtype_struct, _storable(like))
        with self._restoring(step):
            stored = self._manager.restore(step, args=ocp.args.StandardRestore(abstract))
        rng = jax.random.wrap_key_data(stored["rng"], impl=jax.random.key_impl(like.rng))
        return like.replace(**{**stored, "rng": rng})

    def restore_variables(self, like: PyTree) -> PyTree:
        """The variables alone of the newest intact checkpoint, whichever optimizer moved them.

        `TrainState.create(checkpoints.restore_variables(like), another_optimizer, rng=...)` goes on
        from them, on any number of devices.

        Args:
          like: what the net's `init` returns, or `jax.eval_shape` of it.

        Returns:
          `like` with its arrays replaced by NumPy's, which are on no device yet.

        Raises:
          FileNotFoundError: if there is no checkpoint.
          CheckpointError: as `restore`, if the variables are of another structure.
        """
        from orbax import checkpoint as ocp

        step = self._newest()
        blank = jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), like)
        stats = {name: tree for name, tree in blank.items() if name != "params"}
        wanted = {"params": blank["params"], "stats": stats}
        made_of = {
            f".{field}{path}": leaf
            for field, tree in wanted.items()
            for path, leaf in structure(tree).items()
        }
        self._require_structure(step, made_of, only=(".params", ".stats"))
        args = ocp.args.PyTreeRestore(
            wanted,
            restore_args=ocp.checkpoint_utils.construct_restore_args(wanted),
            partial_restore=True,
        )
        with self._restoring(step), ocp.PyTreeCheckpointer() as checkpointer:
            stored = checkpointer.restore(self._steps.path(step) / _STATE, args=args)
        return {"params": stored["params"], **stored["stats"]}

    def wait(self) -> None:
        """Return when every save has reached the disk.

        Raises:
          CheckpointError: if one could not be written.
        """
        pending, self._pending = self._pending, None
        if pending is None:
            return
        step, sealing = pending
        try:
            self._manager.wait_until_finished()
            if sealing is not None:
                sealing.result()
        except Exception as error:
            raise self._not_written(step, error) from error
        self._steps.trust(step)

    def close(self) -> None:
        """Finish pending saves and let go of the folder."""
        with self._held:
            try:
                self.wait()
            finally:
                self._thread.shutdown()
                if "_manager" in vars(self):
                    self._manager.close()

    def __enter__(self) -> "Checkpoints":
        """Keep the folder open for the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the folder."""
        self.close()

    @cached_property
    def _manager(self) -> "CheckpointManager":
        """Made when there is something to save or to restore, for orbax is slow to import."""
        from orbax import checkpoint as ocp

        # Lightweight: nothing of a step is read before it has been found intact.
        options = ocp.CheckpointManagerOptions(
            max_to_keep=self._keep, create=True, lightweight_initialize=True
        )
        return ocp.CheckpointManager(self._folder, options=options)

    def _seal(self, step: int, made_of: dict[str, str]) -> None:
        """In the background: wait for orbax, then write what the step is to be checked by."""
        self._manager.wait_until_finished()
        write_text(self._steps.path(step) / STRUCTURE, json.dumps(made_of, indent=1) + "\n")
        write_text(self._steps.path(step) / STEP, f"{step}\n")
        seal(self._steps.path(step))

    def _begin_writing(self) -> None:
        """Before the first save: take the folder, and clear what stands in the way of new steps."""
        if self._writing:
            return
        if jax.process_index() == 0:
            try:
                self._held.enter_context(sole_writer(self._folder, busy=self._busy))
                self._steps.clear()
            except OSError as error:
                raise self._no_place(error) from error
        if jax.process_count() > 1:
            multihost_utils.sync_global_devices(f"the first process has cleared {self._folder}")
        self._manager.reload()
        self._writing = True

    def _newest(self) -> int:
        step = self.latest_step
        if step is None:
            raise FileNotFoundError(f"no checkpoint in {self._folder}")
        return step

    @contextmanager
    def _restoring(self, step: int) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            raise CheckpointError(
                f"{self._steps.path(step)} cannot be restored ({_reason(error)}); expected a "
                "checkpoint of this net and optimizer. Build them as they were, or choose another "
                "folder"
            ) from error

    def _require_structure(
        self, step: int, here: Mapping[str, str], *, only: tuple[str, ...] = ("",)
    ) -> None:
        """Check what a step is made of, or those of its parts whose paths begin as in `only`."""
        file = self._steps.path(step) / STRUCTURE
        if not file.exists():  # of the time before checksums
            return
        stored = json.loads(file.read_text())
        there = {name: made_of for name, made_of in stored.items() if name.startswith(only)}
        if differing := differences(there, here):
            raise CheckpointError(
                f"{self._steps.path(step)} is of a state of another structure ({differing}); "
                "expected the net and the optimizer that it was saved with. Build them so, or "
                "choose another folder"
            )

    def _busy(self) -> CheckpointError:
        return CheckpointError(
            f"another process writes checkpoints to {self._folder}; wait until it has finished, or "
            "choose another folder"
        )

    def _no_place(self, error: OSError) -> CheckpointError:
        return CheckpointError(
            f"checkpoints cannot be kept in {self._folder} ({_reason(error)}); expected a folder "
            "that this user may write to. See to the disk or the permissions, or choose another"
        )

    def _not_written(self, step: int, error: Exception) -> CheckpointError:
        return CheckpointError(
            f"the checkpoint of step {step:,} could not be written to {self._folder} "
            f"({_reason(error)}); those before it are still there. See to the disk, and run the "
            "same command again: it goes on from them"
        )


def _storable(state: TrainState) -> dict:
    return {
        "step": state.step,
        "params": state.params,
        "stats": state.stats,
        "opt_state": state.opt_state,
        "rng": jax.random.key_data(state.rng),
    }


def _reason(error: Exception) -> str:
    """What the system said, if an exception names that somewhere, or its first line."""
    said = str(error)
    for cause in map(os.strerror, _CAUSES):
        if cause in said:
            return cause
    return next(iter(said.splitlines()), "")[:200] or type(error).__name__
