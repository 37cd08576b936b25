"""Compiling a train step: for one device, for a mesh of devices, or by pmap."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import lax
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from jtransfer.train.state import PyTree, TrainState
from jtransfer.train.step import Metrics, Step

CompiledStep = Callable[[TrainState, PyTree, PyTree], tuple[TrainState, Metrics]]
Gather = Callable[[PyTree, PyTree], PyTree]

DATA_AXIS = "data"


def data_mesh(devices: list[Any] | None = None) -> Mesh:
    """A mesh with the one axis `data` over the devices, by default all of them."""
    devices = devices or jax.devices()
    return jax.make_mesh((len(devices),), (DATA_AXIS,), (AxisType.Auto,), devices=devices)


def replicate(tree: Any, mesh: Mesh) -> Any:
    """Put a whole copy of every array on every device of the mesh.

    With several processes each gives the same values.
    """
    if mesh.is_multi_process:
        return multihost_utils.host_local_array_to_global_array(tree, mesh, PartitionSpec())
    return jax.device_put(tree, NamedSharding(mesh, PartitionSpec()))


def one_copy(tree: Any) -> Any:
    """Of replicated arrays the copy on one device of this process; nothing is moved."""
    return jax.tree.map(lambda values: values.addressable_data(0), tree)


def compile_step(
    step: Step, gather: Gather, *, steps_per_call: int = 1, mesh: Mesh | None = None
) -> CompiledStep:
    """Compile a step with its batch gathered inside the program.

    Over a mesh the program means what it means on one device: gradients, batch-norm statistics and
    metrics are those of the whole batch, each device computing its share.

    Args:
      step: from `make_step`.
      gather: `gather(constants, inputs) -> batch`, pure; `constants` stay on the device from call
        to call (a data set, say), `inputs` are what the host sends for a step (positions, say).
      steps_per_call: steps in one call, run by `lax.scan`; `inputs` then have a leading axis of
        that length and the metrics come back summed. On CPU a scan over convolutions is many times
        slower than single steps: leave 1 there.
      mesh: from `data_mesh`; the leading axis of every input is split over it. State and constants
        have been placed with `replicate`, as `fit` does. With several processes each is given
        the whole inputs and sends its devices' share of them; a stream that reads no more than its
        process's share gives that by `jax.make_array_from_process_local_data`.

    Returns:
      `compiled(state, constants, inputs) -> (state, metrics)`. The state is donated. The inputs are
      put on the devices explicitly and nothing else is: it runs under
      `jax.transfer_guard("disallow")`. All its attributes, such as `lower`, are those of `jax.jit`.
      Over a mesh it raises ValueError if the examples of an input do not split into equal shares.
    """
    if steps_per_call < 1:
        raise ValueError(f"steps_per_call is {steps_per_call}; expected 1 or more")

    def one(state: TrainState, constants: PyTree, inputs: PyTree):
        return step(state, gather(constants, inputs))

    def several(state: TrainState, constants: PyTree, inputs: PyTree):
        state, metrics = lax.scan(lambda state, each: one(state, constants, each), state, inputs)
        return state, jax.tree.map(lambda values: values.sum(axis=0), metrics)

    call = one if steps_per_call == 1 else several
    if mesh is None:
        return _PlacingStep(jax.jit(call, donate_argnums=0))
    whole = NamedSharding(mesh, PartitionSpec())
    split = PartitionSpec(DATA_AXIS) if steps_per_call == 1 else PartitionSpec(None, DATA_AXIS)
    shares = NamedSharding(mesh, split)
    jitted = jax.jit(
        call,
        donate_argnums=0,
        in_shardings=(whole, whole, shares),
        out_shardings=(whole, whole),
    )

    def place(values: Any) -> jax.Array:
        require_shares(np.shape(values), mesh.size, axis=0 if steps_per_call == 1 else 1)
        if isinstance(values, jax.Array) and not values.is_fully_addressable:
            return values
        return jax.make_array_from_process_local_data(shares, values, values.shape)

    return _PlacingStep(jitted, partial(jax.tree.map, place))


@dataclass(frozen=True)
class _PlacingStep:
    """A jitted step that puts its inputs where they are needed; all else is the jitted one's."""

    jitted: Any
    place: Callable[[PyTree], PyTree] = jax.device_put

    def __call__(
        self, state: TrainState, constants: PyTree, inputs: PyTree
    ) -> tuple[TrainState, Metrics]:
        return self.jitted(state, constants, self.place(inputs))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.jitted, name)


def require_shares(shape: tuple[int, ...], devices: int, *, axis: int = 0) -> None:
    """Check that an input's examples split into as many equal shares as there are devices.

    Raises:
      ValueError: if they do not.
    """
    if len(shape) <= axis or shape[axis] % devices:
        raise ValueError(
            f"an input of shape {shape} does not split into {devices} equal shares along axis "
            f"{axis}; expected a multiple of {devices} examples, as many devices train together. "
            "Choose a batch that they divide, or fewer devices"
        )


def compile_step_by_pmap(
    step: Step, gather: Gather, *, devices: list[Any] | None = None
) -> CompiledStep:
    """Compile a step by `jax.pmap`, each device with its own share of the batch.

    For programs that are written for `pmap`: JAX keeps it for them, as `jit` of `shard_map`, and
    encourages new code to use shardings, which are `compile_step` over a mesh. Unlike there batch
    norm sees only the share of its device, and random numbers differ between devices.

    Args:
      step: from `make_step(..., axis_name="data")`.
      gather: as for `compile_step`.
      devices: by default all, those of other processes too; the inputs' leading axis is a
        multiple of their number. With several processes each is given the whole inputs.
    """
    mapped = jax.pmap(
        lambda state, constants, inputs: step(state, gather(constants, inputs)),
        axis_name=DATA_AXIS,
        in_axes=(None, None, 0),
        out_axes=None,  # pyright: ignore[reportArgumentType]
        devices=devices,
    )
    devices = devices or jax.devices()
    mine = [i for i, each in enumerate(devices) if each.process_index == jax.process_index()]

    def share(values: Any) -> Any:
        require_shares(np.shape(values), len(devices))
        return values.reshape(len(devices), -1, *values.shape[1:])[np.asarray(mine)]

    def call(state: TrainState, constants: PyTree, inputs: PyTree):
        return mapped(state, constants, jax.tree.map(share, inputs))

    return call
