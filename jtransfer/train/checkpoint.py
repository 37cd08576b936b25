"""Checkpoints: the whole state, written atomically and in the background, by orbax.

All of orbax that jtransfer uses is behind this file.
"""

from pathlib import Path

import jax
import orbax.checkpoint as ocp

from jtransfer.train.state import TrainState


class Checkpoints:
    """The checkpoints of one run; usable as a context manager.

    A save returns once the state is copied and is written by a thread, first under a temporary
    name: a run killed in the middle of a write finds the checkpoint before it.

    Args:
      folder: where they are kept, one subfolder a step.
      keep: how many of the newest to keep.
    """

    def __init__(self, folder: Path | str, *, keep: int = 1):
        options = ocp.CheckpointManagerOptions(max_to_keep=keep, create=True)
        self._manager = ocp.CheckpointManager(Path(folder).absolute(), options=options)

    @property
    def latest_step(self) -> int | None:
        """Step of the newest finished checkpoint, or None."""
        return self._manager.latest_step()

    def save(self, state: TrainState) -> None:
        """Begin to write `state`; one that is there already for its step is left alone."""
        step = int(jax.device_get(state.step))
        if step != self.latest_step:
            self._manager.save(step, args=ocp.args.StandardSave(_storable(state)))

    def restore(self, like: TrainState) -> TrainState:
        """The newest checkpoint, with the structure, dtypes and devices of `like`.

        Raises:
          FileNotFoundError: if there is none.
        """
        step = self.latest_step
        if step is None:
            raise FileNotFoundError(f"no checkpoint in {self._manager.directory}")
        abstract = jax.tree.map(ocp.utils.to_shape_dtype_struct, _storable(like))
        stored = self._manager.restore(step, args=ocp.args.StandardRestore(abstract))
        rng = jax.random.wrap_key_data(stored["rng"], impl=jax.random.key_impl(like.rng))
        return like.replace(**{**stored, "rng": rng})

    def wait(self) -> None:
        """Return when every save has reached the disk."""
        self._manager.wait_until_finished()

    def close(self) -> None:
        """Finish pending saves and let go of the folder."""
        self._manager.close()

    def __enter__(self) -> "Checkpoints":
        """Keep the folder open for the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the folder."""
        self.close()


def _storable(state: TrainState) -> dict:
    return {
        "step": state.step,
        "params": state.params,
        "stats": state.stats,
        "opt_state": state.opt_state,
        "rng": jax.random.key_data(state.rng),
    }
