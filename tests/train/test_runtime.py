import os
import subprocess
import sys

import pytest

SLOW = ("matplotlib", "orbax", "pandas", "PIL", "scipy.linalg", "sklearn", "tensorflow_datasets")


def told(code: str, **environment: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout


@pytest.mark.parametrize(
    "module", ["jtransfer.recipes.adaptation.run_methods", "jtransfer.recipes.own_folder.fit"]
)
def test_nothing_slow_is_imported_before_it_is_used(module: str):
    code = f"import sys, {module}; print(*(name for name in {SLOW} if name in sys.modules))"
    assert told(code).split() == []


PREPARED = """
import jax
from jtransfer.train.runtime import prepare_process
prepare_process()
print(jax.config.jax_compilation_cache_dir)
"""


def test_programs_are_kept_in_the_users_cache_or_where_they_say(tmp_path, monkeypatch):
    assert told(PREPARED, JAX_COMPILATION_CACHE_DIR="/elsewhere").split() == ["/elsewhere"]
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    of_user = tmp_path / "jtransfer" / "xla"
    assert told(PREPARED, XDG_CACHE_HOME=str(tmp_path)).split() == [str(of_user)]
