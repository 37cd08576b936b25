"""Over how many devices and processes a call trains, as its options."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jtransfer.train.compilation import DATA_AXIS, data_mesh, one_copy


@dataclass(frozen=True)
class Parallel:
    """Options of a call; each device takes its share of every batch.

    Where one of several processes ends unasked JAX ends the others too, `heartbeat` seconds later
    at most, saying that "another task died". Started again, all go on from the newest checkpoint.

    Raises:
      ValueError: if they do not fit each other.
    """

    devices: int = 1  # devices of each process to train on together; 0 for all that there are
    distributed: bool = False  # this is one of several processes that train together
    coordinator: str | None = None  # address:port of the first process; by default the cluster's
    # how many processes train together; by default as many as the cluster says
    processes: int | None = None
    process: int | None = None  # number of this process, from 0; by default as the cluster says
    heartbeat: int = 100  # seconds without a sign of life until a process is taken for dead

    def __post_init__(self):
        """Check the numbers."""
        given = (self.coordinator, self.processes, self.process) != (None, None, None)
        if self.devices < 0 or (given and not self.distributed):
            raise ValueError(
                f"{self}; expected a number of devices, 0 for all, and a coordinator, processes "
                "and process only together with distributed"
            )

    def start(self) -> None:
        """Make the devices and meet the other processes; call it before JAX is first used.

        Where there are CPUs only, as many devices as asked for are simulated.

        Raises:
          ValueError: if the other processes are not given and there is no cluster to ask, or if
            there are fewer devices than asked for.
        """
        simulated: int = jax.config.jax_num_cpu_devices  # pyright: ignore[reportAttributeAccessIssue]
        if self.devices > max(1, simulated):
            jax.config.update("jax_num_cpu_devices", self.devices)
        if not self.distributed:
            return
        # The training loop stops by itself when it is asked to: JAX must not take SIGTERM from it.
        jax.config.update("jax_enable_preemption_service", False)
        try:
            jax.distributed.initialize(
                self.coordinator,
                self.processes,
                self.process,
                heartbeat_timeout_seconds=self.heartbeat,
            )
        except ValueError as error:
            raise ValueError(
                f"{self}; expected a coordinator, processes and process where no cluster says "
                f"them, and a process below processes ({error})"
            ) from error
        if jax.process_count() > 1:
            self._connect()

    def _connect(self) -> None:
        """Connect the devices that will compute together, while all processes are at this point.

        A group of devices connects at its first operation in common. On CPU that fails where one
        process comes to it half a minute before another, which may be reading its data, compiling,
        or starved of processor time; once connected they wait for each other for as long as it
        takes. The groups are those of `multihost_utils`, the n-th device of every process, and the
        devices of the mesh.
        """
        multihost_utils.sync_global_devices("all processes have started")
        mesh = self.mesh
        assert mesh is not None  # there are as many devices as processes, at least
        shares, whole = NamedSharding(mesh, PartitionSpec(DATA_AXIS)), PartitionSpec()
        mine = np.ones(len(mesh.local_devices), np.int32)
        ones = jax.make_array_from_process_local_data(shares, mine)
        total = jax.jit(jnp.sum, out_shardings=NamedSharding(mesh, whole))
        one_copy(total(ones)).block_until_ready()

    @property
    def mesh(self) -> Mesh | None:
        """The devices for `compile_step` and `fit`; None for one device of one process.

        Raises:
          ValueError: if there are fewer devices than asked for.
        """
        there = jax.local_device_count()
        if self.devices > there:
            raise ValueError(
                f"devices={self.devices}, and {there} {jax.default_backend()} devices are here; "
                "expected at most these. Give 0 for all of them"
            )
        several = [
            device
            for process in range(jax.process_count())
            for device in jax.local_devices(process)[: self.devices or None]
        ]
        return data_mesh(several) if len(several) > 1 else None
