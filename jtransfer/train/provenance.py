"""What a result was made by: versions, device and sources."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax

_PATIENCE = 20  # seconds for git


def provenance() -> dict[str, Any]:
    """Versions, device and git revision of this process."""
    names = ("jax", "flax", "optax", "numpy", "jtransfer")
    return {
        "versions": {
            "python": platform.python_version(),
            **{name: _version(name) for name in names},
        },
        "device": device_name(),
        "git_revision": _git_revision(),
    }


def device_name() -> str:
    """The devices in words, such as `1 x cpu (x86_64, 2 cores)`."""
    device = jax.devices()[0]
    kind = device.device_kind
    if device.platform == "cpu":
        # The cores this process may use; only Linux tells them apart from those of the machine.
        mine = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0)
        kind = f"cpu ({platform.machine()}, {len(mine)} core{'s' if len(mine) > 1 else ''})"
    return f"{jax.device_count()} x {kind}"


def _version(name: str) -> str:
    try:
        return version(name)
    except ModuleNotFoundError:
        return "not installed"


def _git_revision() -> str:
    """The sources' revision, with `+changes` if they differ from it; `unknown` outside git."""
    here = Path(__file__)
    # In a hook git's environment names another repository; its settings may name programs to run.
    environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-c", "core.fsmonitor=false", *words],
            cwd=here.parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=True,
            timeout=_PATIENCE,
        ).stdout.strip()

    try:
        # Not of the repository that an environment with an installed package lies in.
        git("ls-files", "--error-unmatch", here.name)
        revision = git("rev-parse", "--short=12", "HEAD")
        changed = git("status", "--porcelain", "--", "../")
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return revision + ("+changes" if changed else "")
