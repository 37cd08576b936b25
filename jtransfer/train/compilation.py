"""Compiling a train step: for one device, for a mesh of devices, or by pmap."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
from jax import lax
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
    """Put a whole copy of every array on every device of the mesh."""
    return jax.device_put(tree, NamedSharding(mesh, PartitionSpec()))


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
        have been placed with `replicate`.

    Returns:
      `compiled(state, constants, inputs) -> (state, metrics)`. The state is donated. The inputs are
      put on the devices explicitly and nothing else is: it runs under
      `jax.transfer_guard("disallow")`. `compiled.lower` is that of `jax.jit`.
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
    return _PlacingStep(jitted, shares)


@dataclass(frozen=True)
class _PlacingStep:
    """A jitted step that puts its inputs where they are needed."""

    jitted: Any
    placement: NamedSharding | None = None

    def __call__(
        self, state: TrainState, constants: PyTree, inputs: PyTree
    ) -> tuple[TrainState, Metrics]:
        return self.jitted(state, constants, jax.device_put(inputs, self.placement))

    def lower(self, state: TrainState, constants: PyTree, inputs: PyTree) -> Any:
        return self.jitted.lower(state, constants, inputs)


def compile_step_by_pmap(
    step: Step, gather: Gather, *, devices: list[Any] | None = None
) -> CompiledStep:
    """Compile a step by `jax.pmap`, each device with its own share of the batch.

    Unlike `compile_step` over a mesh, batch norm sees only the share of its device, and random
    numbers differ between devices.

    Args:
      step: from `make_step(..., axis_name="data")`.
      gather: as for `compile_step`.
      devices: by default all local ones; the inputs' leading axis is a multiple of their number.
    """
    devices = devices or jax.local_devices()
    mapped = jax.pmap(
        lambda state, constants, inputs: step(state, gather(constants, inputs)),
        axis_name=DATA_AXIS,
        in_axes=(None, None, 0),
        out_axes=None,  # pyright: ignore[reportArgumentType]
        devices=devices,
    )

    def call(state: TrainState, constants: PyTree, inputs: PyTree):
        shares = jax.tree.map(
            lambda values: values.reshape(len(devices), -1, *values.shape[1:]), inputs
        )
        return mapped(state, constants, shares)

    return call
