"""What every test runs under: strict JAX on eight simulated CPU devices, and no display."""

import ctypes
import gc
import os
import sys
from pathlib import Path

import jax
import psutil
import pytest
from hypothesis import settings

COMPILED = Path(__file__).parents[1] / ".pytest_cache" / "jax"

# For the processes that tests start, and for what has not been imported yet ...
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_COMPILATION_CACHE_DIR"] = str(COMPILED)
os.environ["MPLBACKEND"] = "Agg"

# ... and for this one, where JAX has read its environment but made no array.
jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_num_cpu_devices", 8)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_compilation_cache_dir", str(COMPILED))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)

# An example that compiles takes longer than any deadline, and every run tries the same examples.
settings.register_profile("jtransfer", deadline=None, derandomize=True)
settings.load_profile("jtransfer")

_PLENTY = 2 * 2**30  # bytes that the programs of the tests before may take


# Tracing makes objects by the million, most of which stay: as often as Python looks for garbage by
# itself, that takes a tenth of the suite's time.
gc.set_threshold(50_000, 10, 10)


def pytest_collection_finish():
    """What was imported stays, and need not be looked through again."""
    gc.collect()
    gc.freeze()


def pytest_make_parametrize_id(val, argname):
    """Bytes are named by their argument: written out, a moment kept in a gzip file would differ.

    Two processes that share the suite must come to the same names.
    """
    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="module", autouse=True)
def _forgotten_programs():
    """A process that keeps all that it compiled takes over 6 GB at the end of the suite."""
    yield
    if psutil.Process().memory_info().rss > _PLENTY:
        jax.clear_caches()
        gc.collect()
        if sys.platform == "linux":
            ctypes.CDLL(None).malloc_trim(0)


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of the real data sets; without one the test is skipped."""
    folder = os.environ.get("JTRANSFER_DATA")
    if not folder:
        pytest.skip("needs real data: set JTRANSFER_DATA to the folder that holds it")
    root = Path(folder).expanduser().resolve()
    if not root.is_dir():
        pytest.fail(f"JTRANSFER_DATA is {folder!r}, and there is no such folder")
    return root
