"""The rules of the house: the direction of imports, the size of files, versions, the README."""

import ast
import doctest
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import jtransfer

ROOT = Path(__file__).parents[1]
LIBRARY = sorted((ROOT / "jtransfer").rglob("*.py"))
SOURCES = [
    *LIBRARY,
    *(path for name in ("experiments", "tests") for path in (ROOT / name).rglob("*.py")),
]

# The ground floor, which every room may import from.
GROUND = {"files", "labels"}

# Which rooms of jtransfer a room may import from, itself and the ground floor apart.
ARROWS = {
    "files": set(),
    "labels": set(),
    "nets": set(),
    "data": set(),
    "train": set(),
    "measure": set(),
    "transfer": {"nets", "train", "measure"},
    "recipes": {"nets", "data", "train", "measure", "transfer"},
}


def imported(source: str) -> Iterator[str]:
    """The dotted name of everything that a source imports, wherever it does so."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (f"{module}.{alias.name}" for alias in node.names)


def breaches(path: Path, source: str) -> list[str]:
    """The imports of a library file (its path within jtransfer/) that go against the arrows."""
    room = Path(path.parts[0]).stem
    allowed = {room, *ARROWS.get(room, ())} | (set() if room in GROUND else GROUND)
    found = []
    for name in imported(source):
        top, target = [*name.split("."), ""][:2]
        outside = top in {"", "experiments", "tests", "torch"}
        against = top == "jtransfer" and room in ARROWS and target not in allowed
        if outside or against:
            found.append(name)
    return found


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        ("nets/a.py", "from jtransfer.nets.parts.trunk import Trunk", []),
        ("nets/a.py", "def f():\n    import jtransfer.train.step", ["jtransfer.train.step"]),
        ("data/a.py", "from jtransfer import transfer", ["jtransfer.transfer"]),
        ("train/a.py", "import jtransfer as jt", ["jtransfer"]),
        ("train/a.py", "from . import step", ["..step"]),
        ("train/a.py", "from jtransfer.files.writing import write_text", []),
        ("files/a.py", "from jtransfer.train import step", ["jtransfer.train.step"]),
        ("labels.py", "from jtransfer.data import load", ["jtransfer.data.load"]),
        ("labels.py", "from jtransfer.files import memory", ["jtransfer.files.memory"]),
        ("nets/a.py", "from jtransfer.labels import one_hot", []),
        ("transfer/a.py", "from jtransfer.train import step", []),
        (
            "transfer/a.py",
            "from jtransfer.data.sources.idx import read",
            ["jtransfer.data.sources.idx.read"],
        ),
        ("data/a.py", "from jtransfer.labels import class_numbers", []),
        ("transfer/a.py", "import torch.nn", ["torch.nn"]),
        ("transfer/a.py", "import jtransfer.recipes.b", ["jtransfer.recipes.b"]),
        ("recipes/a.py", "from jtransfer.data import load", []),
        ("recipes/a.py", "from experiments import report", ["experiments.report"]),
        ("__init__.py", "from jtransfer.data import load", []),
        ("__init__.py", "from experiments import report", ["experiments.report"]),
    ],
)
def test_the_arrow_check_sees(path: str, source: str, expected: list[str]):
    assert breaches(Path(path), source) == expected


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_point_one_way(path: Path):
    assert breaches(path.relative_to(ROOT / "jtransfer"), path.read_text()) == []


def test_every_room_has_its_arrows():
    rooms = {Path(path.relative_to(ROOT / "jtransfer").parts[0]).stem for path in LIBRARY}
    assert rooms - {"__init__"} == ARROWS.keys()


def test_import_is_light():
    heavy = ["jax", "flax", "optax", "sklearn", "matplotlib", "tensorflow_datasets"]
    code = f"import sys, jtransfer; print(*[name for name in {heavy} if name in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == []


def test_every_public_name_loads():
    code = "import jtransfer; print(len(jtransfer.__all__))"
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "EAGER_IMPORT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(run.stdout) == len(jtransfer.__all__)
    assert jtransfer.nets.__name__ == "jtransfer.nets"


def test_a_misspelt_name_is_answered_with_the_closest():
    with pytest.raises(AttributeError, match=r"no attribute 'fit_svn'\. Did you mean 'fit_svm'"):
        getattr(jtransfer, "fit_svn")  # noqa: B009


def test_files_are_short():
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in SOURCES}
    assert {name: count for name, count in lines.items() if count > 400} == {}


def test_constraints_are_names_and_versions():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pin = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[0-9][0-9A-Za-z.]*")
    assert lines
    assert [line for line in lines if not pin.fullmatch(line)] == []


def test_version_is_said_once():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert jtransfer.__version__ == project["version"]


def test_readme_examples_run():
    readme = ROOT / "README.md"
    if not readme.exists():
        pytest.skip("there is no README.md")
    text = readme.read_text()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    names: dict[str, object] = {}  # shared: the blocks are one tour
    for block in re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        line = text[: block.start(1)].count("\n")
        test = doctest.DocTestParser().get_doctest(block[1], names, "README.md", "README.md", line)
        said: list[str] = []
        runner.run(test, out=said.append, clear_globs=False)
        names = test.globs
        assert runner.failures == 0, "".join(said)
