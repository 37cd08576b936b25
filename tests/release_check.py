"""Build the wheel and the sdist, install the wheel into an empty environment, and use it there.

    make release-check          (or: python tests/release_check.py, with `build` installed)

No checkout is in reach of what is run: it is started in a folder of its own, which is removed in
the end, with the cache of features. The packages that jtransfer needs come from pip's index.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Three classes of drawn images, told apart by colour and shape.
DRAW = """
import numpy as np
from pathlib import Path
from PIL import Image, ImageDraw

random = np.random.default_rng(0)
for name, colour in {"leaf": (40, 160, 60), "brick": (180, 60, 40), "sky": (90, 150, 230)}.items():
    folder = Path("photos", name)
    folder.mkdir(parents=True)
    for number in range(12):
        image = Image.fromarray(random.integers(0, 90, (96, 128, 3), np.uint8))
        left, top = random.integers(0, 40, 2)
        box = (left, top, left + 60, top + 45)
        pen = ImageDraw.Draw(image)
        (pen.ellipse if name == "leaf" else pen.rectangle)(box, fill=colour)
        image.save(folder / f"{number}.jpg")
"""


def main() -> None:
    """Build, look inside, install, use."""
    with tempfile.TemporaryDirectory(prefix="jtransfer-release-") as made:
        folder = Path(made)
        wheel, sdist = build(folder / "dist")
        python = installed(wheel, folder / "venv")
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PYTHON")},
            "JTRANSFER_CACHE": str(folder / "cache"),
        }

        def run(*command: str | Path, where: Path = folder) -> str:
            print("$", *(str(each).removeprefix(f"{folder}/") for each in command), flush=True)
            done = subprocess.run(
                [str(each) for each in command],
                cwd=where,
                env=environment,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            print(done.stdout, flush=True)
            return done.stdout

        where = run(python, "-c", "import jtransfer; print(jtransfer.__file__)")
        assert where.startswith(str(folder)), f"jtransfer is imported from {where}"
        command = python.with_name("jtransfer")
        assert run(command, "--version") == run(python, "-m", "jtransfer", "--version")
        run(python, "-c", DRAW)
        run(command, "fit", "photos", "--out", "model")
        guesses = run(command, "predict", "model", folder / "photos/sky/0.jpg")
        said = guesses.splitlines()[-1].split(",")[1]
        assert said == "sky", f"the model takes a photograph it was fitted to for a {said}"
        with tarfile.open(sdist) as archive:
            archive.extractall(folder / "source", filter="data")
        (source,) = (folder / "source").iterdir()
        run(python, "-m", "experiments.adapt_digits", "--help", where=source)
    print("the release builds, installs and works with no checkout around")


def build(out: Path) -> tuple[Path, Path]:
    """The wheel, built from the sdist, and the sdist; with what belongs into each."""
    subprocess.run([sys.executable, "-m", "build", "--outdir", out, ROOT], check=True)
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    names = zipfile.ZipFile(wheel).namelist()
    assert "jtransfer/py.typed" in names
    assert "jtransfer/__init__.pyi" in names
    strange = {name.split("/")[0] for name in names if not name.startswith("jtransfer")}
    assert not strange, f"the wheel brings {strange}"
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    needed = {"experiments/adapt_digits/__main__.py", "tests/conftest.py", "LICENSE", "Makefile"}
    assert needed <= inside, f"the sdist lacks {needed - inside}"
    print(f"{wheel.name} ({wheel.stat().st_size:,} bytes), {sdist.name}")
    return wheel, sdist


def installed(wheel: Path, where: Path) -> Path:
    """The Python of a new environment that holds the wheel and what it asks for."""
    venv.create(where, with_pip=True)
    python = where / "bin" / "python"
    constraints = ROOT / "constraints.txt"
    options = ["--quiet", "--disable-pip-version-check", "--constraint", constraints]
    subprocess.run([python, "-m", "pip", "install", *options, wheel], check=True)
    return python


if __name__ == "__main__":
    main()
