"""What a result was made by: versions, device and sources."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax


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
    here = Path(__file__).parent

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=here, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        revision = git("rev-parse", "--short=12", "HEAD")
        changed = git("status", "--porcelain", "--", "../")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return revision + ("+changes" if changed else "")
