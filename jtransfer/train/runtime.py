"""Settings of the process that runs trainings; called by scripts, never by an import."""

import ctypes
import os
import sys
from pathlib import Path

import jax

from jtransfer.train.parallel import Parallel


def prepare_process(parallel: Parallel | None = None) -> None:
    """Turn on the persistent compilation cache and let freed memory be reused.

    Of several processes that train together, `parallel.distributed`, the first alone prints.

    Compiled programs are kept in `JAX_COMPILATION_CACHE_DIR` if that is set, else below the user's
    cache folder in `jtransfer/xla`. Call it before JAX is first used: threads that are there
    already keep their own way with memory.
    """
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
        jax.config.update("jax_compilation_cache_dir", str(home / "jtransfer" / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    _keep_freed_memory()
    if parallel in (None, Parallel()):
        # One CPU device has nothing to wait for: the thread that calls a program runs it, whose
        # arena is the one that grows as large as it needs to be, see below.
        jax.config.update("jax_cpu_enable_async_dispatch", False)
    if parallel is not None:
        parallel.start()
        if parallel.distributed and jax.process_index() != 0:
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115


def _keep_freed_memory() -> None:
    """Ask glibc's malloc to keep freed memory instead of returning it to the system.

    XLA:CPU allocates and frees the step's temporary buffers at every call. Fresh pages from the
    system are faulted in one by one: measured, a third of the time of a small convolution net's
    step. Where there is no glibc, nothing is done.

    Arenas of other threads than the first cannot grow past 64 MiB. One for all threads is no
    remedy: LLVM, which compiles in several, takes a third longer in it.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    trim_threshold, mmap_max = -1, -4  # M_* of malloc.h
    mallopt(trim_threshold, 2**31 - 1)
    mallopt(mmap_max, 0)
