"""The rules of the house: the direction of imports, the size of files, versions, the pages."""

import ast
import doctest
import os
import re
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

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
    "commands": {"nets", "data", "train", "measure", "transfer", "recipes"},
}

# Files directly below experiments/ that any experiment may import; any other file or folder there
# is an experiment, whose insides are its own.
SHARED = {
    *("awa1", "command", "data_names", "headline"),
    *("made_by", "published", "torchvision_loading", "wording"),
}

# What trains, which nothing below experiments/ imports but the timed steps of throughput.
TRAINS = {
    *(f"jtransfer.train.step{name}" for name in ("", ".make_step")),
    *(f"jtransfer.train.compilation{name}" for name in ("", ".compile_step")),
    *(f"jtransfer.train.together{name}" for name in ("", ".compile_runs")),
    *(f"jtransfer.train.loop{name}" for name in ("", ".fit")),
    *(
        f"jtransfer.{name}"
        for name in ("make_step", "compile_step", "compile_runs", "fit", "train")
    ),
    "jtransfer",
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
    allowed = {room, "__version__", *ARROWS.get(room, ())} | (set() if room in GROUND else GROUND)
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
        ("commands/a.py", "from jtransfer.recipes import b", []),
        ("commands/a.py", "from jtransfer import __version__", []),
        ("recipes/a.py", "import jtransfer.commands.b", ["jtransfer.commands.b"]),
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
    assert rooms - {"__init__", "__main__"} == ARROWS.keys()


EXPERIMENTS = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "experiments").rglob("*.py"))
}


def experiment_breaches(module: str, source: str) -> list[str]:
    """What a module below experiments/ imports of another experiment's insides, or trains by."""
    own = [*module.split("."), ""][1]
    found = []
    for name in imported(source):
        top, other, inside = [*name.split("."), "", ""][:3]
        shared = other in {own, *SHARED}
        is_table = own == "report" and re.fullmatch(r"(.+_)?tables?", inside)
        inwards = top in {"", "tests"} or (top == "experiments" and not (shared or is_table))
        if inwards or (name in TRAINS and own != "throughput"):
            found.append(name)
    return found


@pytest.mark.parametrize(
    ("module", "source", "expected"),
    [
        ("one.config", "from experiments.one.grid import GRID", []),
        ("one.table", "from experiments.headline import Headline", []),
        ("one.table", "from experiments import published", []),
        ("one.table", "from experiments.two.rows import row", ["experiments.two.rows.row"]),
        ("one.table", "def f():\n    from experiments import two", ["experiments.two"]),
        ("one.table", "import experiments", ["experiments"]),
        ("one.table", "from experiments.two.table import row", ["experiments.two.table.row"]),
        ("one.table", "from tests.toys import net", ["tests.toys.net"]),
        ("report.pages", "from experiments.two.table import two", []),
        ("report.pages", "from experiments.two import step_tables, tables", []),
        ("report.pages", "from experiments.two import vegetables", ["experiments.two.vegetables"]),
        ("report.pages", "from experiments.two.rows import row", ["experiments.two.rows.row"]),
        ("headline", "from experiments.one import grid", ["experiments.one.grid"]),
        (
            "one.run",
            "from jtransfer.train.step import make_step",
            ["jtransfer.train.step.make_step"],
        ),
        ("one.run", "from jtransfer.train import loop", ["jtransfer.train.loop"]),
        ("one.run", "from jtransfer.train.loop import NonFiniteLossError", []),
        ("one.run", "import jtransfer as jt", ["jtransfer"]),
        ("throughput.steps", "from jtransfer.train.loop import fit", []),
    ],
)
def test_the_check_of_experiments_sees(module: str, source: str, expected: list[str]):
    assert experiment_breaches(f"experiments.{module}", source) == expected


@pytest.mark.parametrize("module", EXPERIMENTS)
def test_experiments_keep_to_themselves_and_do_not_train(module: str):
    assert experiment_breaches(module, EXPERIMENTS[module].read_text()) == []


def test_what_experiments_share_is_there():
    assert {f"experiments.{name}" for name in SHARED} - EXPERIMENTS.keys() == set()


def longest_chain(sources: Mapping[str, str]) -> list[str]:
    """Of modules, {name: source}: the most that import each other in a row, the highest first.

    Raises:
      CycleError: if one imports itself by others.
    """
    imports = {
        module: {
            each
            for name in imported(source)
            for each in (name, name.rpartition(".")[0])
            if each in sources and each != module
        }
        for module, source in sources.items()
    }
    chains: dict[str, list[str]] = {}
    for module in TopologicalSorter(imports).static_order():
        below = max((chains[each] for each in imports[module]), key=len, default=[])
        chains[module] = [module, *below]
    return max(chains.values(), key=len)


def test_the_longest_chain_by_hand():
    sources = {
        "a.top": "from a import left, right",
        "a.left": "from a.low import f\nimport b.c",
        "a.right": "def f():\n    from a.left import g",
        "a.low": "import numpy",
    }
    assert longest_chain(sources) == ["a.top", "a.right", "a.left", "a.low"]


@pytest.mark.parametrize("experiment", sorted({name.split(".")[1] for name in [*EXPERIMENTS][1:]}))
def test_experiments_have_at_most_four_storeys(experiment: str):
    start = f"experiments.{experiment}"
    chain = longest_chain(
        {
            module: path.read_text()
            for module, path in EXPERIMENTS.items()
            if module == start or module.startswith(f"{start}.")
        }
    )
    assert len(chain) <= 4, " -> ".join(chain)


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


def test_no_environment_is_part_of_the_repository():
    """A link to one, once tracked, takes the place of the environment of whoever pulls it."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs the repository; this is a copy of its files")
    command = ["git", "ls-files", "--", ".venv", ".venv-newest"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == ""


def test_files_are_short():
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in SOURCES}
    assert {name: count for name, count in lines.items() if count > 400} == {}


@pytest.mark.parametrize("tree", ["jtransfer", "experiments", "tests"])
def test_the_median_file_is_a_page(tree: str):
    lines = [len(path.read_text().splitlines()) for path in (ROOT / tree).rglob("*.py")]
    assert statistics.median(lines) <= 150


def test_constraints_are_names_and_versions():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pin = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[0-9][0-9A-Za-z.]*")
    assert lines
    assert [line for line in lines if not pin.fullmatch(line)] == []


def test_version_is_said_once():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert jtransfer.__version__ == project["version"]


def reference_pages() -> ModuleType:
    """docs/reference_pages.py, which writes the reference."""
    file = ROOT / "docs" / "reference_pages.py"
    spec = spec_from_file_location("reference_pages", file)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_public_name_is_shown_at_work_or_it_is_said_why_not():
    pages = reference_pages()
    names, shown, reasons = set(pages.public_names()), set(pages.shown()), set(pages.REASONS)
    assert names - shown == reasons
    assert len(reasons) <= 3
    assert all(reason.endswith(".") for reason in pages.REASONS.values())


def test_where_a_name_is_shown_is_told_with_the_heading():
    places = reference_pages().shown()["mcc_loss"]
    assert "examples/adaptation.md#a-penalty-beside-the-label-loss" in places


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "tutorials").glob("*.md")))
def test_the_code_of_a_tutorial_is_narrow(page: Path):
    cells = re.findall(r"^```\{code-cell\}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    assert [line for cell in cells for line in cell.splitlines() if len(line) > 80] == []


PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "examples").glob("*.md")),
]


@pytest.mark.parametrize(
    "page",
    [each for each in PAGES if ">>> " in each.read_text()],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_examples_of_a_page_run(page: Path):
    text = page.read_text()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    names: dict[str, object] = {}  # shared: the blocks of a page are one tour
    for block in re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        line = text[: block.start(1)].count("\n")
        test = doctest.DocTestParser().get_doctest(block[1], names, page.name, page.name, line)
        said: list[str] = []
        runner.run(test, out=said.append, clear_globs=False)
        names = test.globs
        assert runner.failures == 0, "".join(said)
    assert runner.tries > 0


LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)")


@pytest.mark.parametrize(
    "page",
    [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_what_a_page_links_to_is_there(page: Path):
    links = [match[1] for match in LINK.finditer(page.read_text())]
    assert [link for link in links if not (page.parent / link).exists()] == []
