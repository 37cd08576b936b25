"""How a process ends that was interrupted."""

import os
import subprocess
import sys
from pathlib import Path

# Ctrl-C while XLA compiles, which takes a second and more.
_INTERRUPTED = """
import atexit, os, signal, threading
import jax, jax.numpy as jnp
from jtransfer.commands.errors import ending_in_words

def slow(x):
    for number in range(1500):
        x = jnp.sin(x @ x) + number
    return x

# As at a terminal: what a shell started in the background ignores Ctrl-C, and so do its children.
signal.signal(signal.SIGINT, signal.default_int_handler)
atexit.register(print, "left")
lowered = jax.jit(slow).lower(jnp.zeros((4, 4)))
with ending_in_words((), status=2):
    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
    lowered.compile()
"""


# What makes the suite's programs compile at once.
_QUICK = ("JAX_DISABLE_MOST_OPTIMIZATIONS", "XLA_FLAGS", "JAX_COMPILATION_CACHE_DIR")


def test_a_compilation_that_is_interrupted_ends_in_words_and_not_in_a_crash():
    slow = {name: value for name, value in os.environ.items() if name not in _QUICK}
    # One of two would crash where Python is torn down.
    for _ in range(2):
        run = subprocess.run(
            [sys.executable, "-c", _INTERRUPTED],
            cwd=Path(__file__).parents[2],
            env=slow,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (run.returncode, run.stdout, run.stderr) == (130, "left\n", "interrupted\n")
