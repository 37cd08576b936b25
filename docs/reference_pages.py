"""The reference: a page for each room of the library, written from `jtransfer/__init__.pyi`."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import jtransfer

DOCS = Path(__file__).parent
EXAMPLES = sorted(DOCS.glob("examples/*.md"))
PUBLIC = Path(jtransfer.__file__).with_suffix(".pyi")
# Pages, in order: a title, and the modules whose public names stand there.
PAGES = {
    "features": ("Features: probes, retrieval, few-shot", ("transfer.features",)),
    "finetuning": ("Fine-tuning", ("transfer.finetuning", "transfer.parameter_groups")),
    "multitask": ("Multitask", ("transfer.multitask",)),
    "dense": ("A class for every pixel", ("transfer.dense_prediction",)),
    "adaptation": ("Adaptation without labels", ("transfer.adaptation", "transfer.supervised")),
    "zero_shot": ("Zero-shot", ("transfer.zero_shot",)),
    "nets": ("Nets", ("nets",)),
    "data": ("Data", ("data",)),
    "train": ("The engine", ("train",)),
    "measure": ("Judging", ("measure",)),
    "recipes": ("Recipes", ("recipes",)),
}
# Why a public name stands in no code that is run here.
REASONS = {
    "read_clip_tokenizer": "It reads a file of CLIP's vocabulary, which its publishers have.",
    "pretrained_clip": "It needs CLIP's weights, of 350 to 600 MB, which no package ships.",
    "translation_figure": "It draws what a trained net translates, as `python -m "
    "experiments.adapt_digits --methods translation` does.",
}
# What scikit-learn adds to every estimator, in words that need its own glossary.
REQUESTS = "set_fit_request, set_score_request, set_predict_request, get_metadata_routing"


def public_names() -> dict[str, str]:
    """{public name: module it comes from}, of what is no module itself."""
    found = {}
    for node in ast.parse(PUBLIC.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            found.update({alias.asname or alias.name: node.module for alias in node.names})
    return found


def shown() -> dict[str, list[str]]:
    """{public name: where below docs/ there is code that is run and uses it}."""
    names, found = public_names(), {}
    for page in [*sorted(DOCS.glob("tutorials/*.md")), *sorted(DOCS.glob("*.md")), *EXAMPLES]:
        for heading, code in _code(page.read_text()):
            place = page.relative_to(DOCS).as_posix() + (f"#{heading}" if page in EXAMPLES else "")
            for name in sorted(set(re.findall(r"\bjt\.(\w+)", code)) & names.keys()):
                places = found.setdefault(name, [])
                if place not in places:
                    places.append(place)
    return found


def _code(text: str) -> Iterator[tuple[str, str]]:
    """Lines of a page's code that is run, each with the anchor of the heading above it."""
    anchor, cell = "", False
    for line in text.splitlines():
        if line.startswith("```"):
            cell = line == "```{code-cell}"
        elif cell or line.startswith((">>> ", "... ")):
            yield anchor, line
        elif line.startswith("#"):
            anchor = re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")


def where_it_runs(name: str, runs: dict[str, list[str]]) -> str:
    """A line that tells where a name is seen at work, or why it is not."""
    if name in REASONS:
        return f"Not run here: {REASONS[name]}"
    pages = (f"[{_called(place)}](../{place})" for place in runs[name])
    return f"Runs in: {', '.join(pages)}."


def _called(place: str) -> str:
    page, _, heading = place.partition("#")
    return (heading.replace("-", " ") or Path(page).stem.replace("_", " ")).strip()


def write(folder: Path) -> None:
    """Write the pages below a folder, where they have changed."""
    folder.mkdir(exist_ok=True)
    left = public_names()
    files = {}
    for page, (title, rooms) in PAGES.items():
        names = [name for name, module in left.items() if _within(module, rooms)]
        files[page] = _page(title, sorted(names, key=str.lower), left)
        left = {name: module for name, module in left.items() if name not in names}
    if left:
        raise ValueError(f"public names without a page: {', '.join(left)}. Give PAGES their module")
    names, pages = public_names(), "\n".join(PAGES)
    files["index"] = (
        f"# Reference\n\nAll {len(names)} public names, `import jtransfer as jt` assumed; each is "
        f"loaded when it is first used. {len(names) - len(REASONS)} of them stand in code that is "
        "run as this site is built or tested, and link to it; of the others it is said why not.\n\n"
        f"```{{toctree}}\n{pages}\n```\n"
    )
    for name, text in files.items():
        file = folder / f"{name}.md"
        if not file.exists() or file.read_text() != text:
            file.write_text(text)


def _within(module: str, rooms: tuple[str, ...]) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def _page(title: str, names: list[str], modules: dict[str, str]) -> str:
    blocks, runs = [f"# {title}"], shown()
    for name in names:
        directive = _directive(name, getattr(jtransfer, name), modules)
        blocks.append(f"## {name}\n\n```{{eval-rst}}\n{directive}\n```")
        blocks.append(where_it_runs(name, runs))
    return "\n\n".join(blocks) + "\n"


def _directive(name: str, found: object, modules: dict[str, str]) -> str:
    if inspect.ismodule(found):
        lines = [
            f".. automodule:: {found.__name__}",
            "   :members:",
            f"   :exclude-members: {REQUESTS}",
        ]
    elif inspect.isclass(found):
        lines = [f".. autoclass:: jtransfer.{name}", "   :members:"]
    elif callable(found):
        lines = [f".. autofunction:: jtransfer.{name}"]
    else:
        lines = [
            f".. py:data:: jtransfer.{name}",
            "",
            f"   ``{found!r}``, of ``jtransfer.{modules[name]}``.",
        ]
    return "\n".join(lines)
