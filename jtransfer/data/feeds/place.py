"""The examples of a batch that a process reads, where several processes train together."""

from typing import TYPE_CHECKING, Any

import numpy as np

from jtransfer.data.examples import DataError

if TYPE_CHECKING:
    from jax.sharding import Mesh


class Place:
    """Where batches go: to one device, or over the devices of a mesh that are several processes'.

    Args:
      batch: examples of all devices together.
      mesh: of the devices; of a mesh of this process alone nothing is made here.

    Attributes:
      mine: places in the batch of what this process gives.

    Raises:
      DataError: if the devices do not divide the batch.
    """

    def __init__(self, batch: int, mesh: "Mesh | None"):
        self.mine, self._batch, self._shares = np.arange(batch), batch, None
        if mesh is None or not mesh.is_multi_process:
            return
        if batch % mesh.size:
            raise DataError(
                f"a batch of {batch} over {mesh.size} devices; expected a multiple of their "
                "number. Give another batch, or fewer devices"
            )
        from jax.sharding import NamedSharding, PartitionSpec

        self._shares = NamedSharding(mesh, PartitionSpec(mesh.axis_names))
        shares = self._shares.addressable_devices_indices_map((batch,)).values()
        self.mine = np.unique(np.concatenate([self.mine[share] for share in shares]))

    def __call__(self, fields: dict[str, np.ndarray]) -> dict[str, Any]:
        """The whole batch, of which these fields are this process's examples."""
        import jax

        if self._shares is None:
            return jax.device_put(fields)
        return {
            name: jax.make_array_from_process_local_data(
                self._shares, values, (self._batch, *values.shape[1:])
            )
            for name, values in fields.items()
        }
