"""Settings of the process that runs trainings; called by scripts, never by an import."""

import ctypes
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import jax

from jtransfer.train.parallel import Parallel

_LONG = 1.0  # seconds of a compilation that is worth tidying up after


def prepare_process(
    parallel: Parallel | None = None, *, programs: Path | None = None, keep_freed: bool = True
) -> None:
    """Turn on the persistent compilation cache, and settle what becomes of freed memory.

    Of several processes that train together, `parallel.distributed`, the first alone prints.

    Call it before JAX is first used: threads that are there already keep their own way with memory.

    Args:
      parallel: how the process trains together with others; None for alone.
      programs: folder of the compiled programs, unless `JAX_COMPILATION_CACHE_DIR` names one; by
        default below the user's cache folder in `jtransfer/xla`.
      keep_freed: whether memory that a step frees is kept for the next one, which takes up to a
        third less time, and about half as much memory again; what compiling took is returned in
        any case.
    """
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
        folder = programs or home / "jtransfer" / "xla"
        jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    if keep_freed:
        _keep_freed_memory()
    _give_back_what_compiling_took()
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
    mallopt = _of_glibc("mallopt")
    if mallopt is None:
        return
    trim_threshold, mmap_max = -1, -4  # M_* of malloc.h
    mallopt(trim_threshold, 2**31 - 1)
    mallopt(mmap_max, 0)


@cache  # a listener cannot be taken off
def _give_back_what_compiling_took() -> None:
    """Return freed memory to the system after every long compilation.

    Compiling a training step of EfficientNet-Lite0 takes 0.8 GB, of which nothing is in use
    afterwards, but too much lies between what is for malloc to see it.
    """
    trim = _of_glibc("malloc_trim")
    if trim is None:
        return

    def listen(event: str, duration_secs: float, **kwargs: str | int) -> None:
        del kwargs
        if event == "/jax/core/compile/backend_compile_duration" and duration_secs > _LONG:
            trim(0)

    jax.monitoring.register_event_duration_secs_listener(listen)


def _of_glibc(name: str) -> Any:
    """A function of the C library; None where it is another one than glibc."""
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), name, None)
