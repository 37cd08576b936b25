"""What every test runs under: strict JAX on eight simulated CPU devices, and no display."""

import os
from pathlib import Path

import jax
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
