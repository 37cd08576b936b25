import subprocess
import sys

import jtransfer.measure as measure
from jtransfer.measure import plots


def test_all_figures_are_here():
    assert set(plots.__all__) <= set(measure.__all__)
    assert all(callable(getattr(measure, name)) for name in measure.__all__)


def test_importing_is_cheap_and_no_figure_needs_pyplot(tmp_path):
    code = """
import sys
import jtransfer.measure as measure
heavy = [name for name in ("matplotlib", "sklearn", "jax") if name in sys.modules]
assert not heavy, heavy
measure.confusion_figure([[1]], ["one"], sys.argv[1])
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.png")], check=True)
