"""The page itself: a report as one file of html that needs nothing else, and asks for nothing.

Its style and script are inside; a policy in its head lets the browser load pictures from the page's
own text alone, and run no script but that one. All texts are escaped.
"""

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from jtransfer.files.writing import write_text
from jtransfer.measure.page.content import Report
from jtransfer.measure.page.drawing import duration, percent
from jtransfer.measure.page.figures import draw
from jtransfer.measure.page.limits import trimmed
from jtransfer.measure.page.thumbnails import data_uri

if TYPE_CHECKING:
    from jinja2 import Template

# What has no glyph, and may end a text where a program reads it.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def render_page(report: Report) -> str:
    """The page of a report: html in UTF-8, of a bounded size whatever the report holds."""
    kept, left_out = trimmed(report)
    script = _file("page.js")
    html = _template().render(
        report=kept,
        left_out=left_out,
        figures=draw(kept),
        style=Markup(_file("page.css")),
        script=Markup(script),
        script_hash=b64encode(sha256(script.encode()).digest()).decode(),
    )
    # Names of files may hold bytes that are no text.
    return _CONTROLS.sub("\ufffd", html).encode(errors="replace").decode()


def write_page(report: Report, path: Path | str) -> None:
    """Write the page of a report to a file, whole or not at all.

    Raises:
      OSError: if it cannot be written; what was there before stays.
    """
    write_text(path, render_page(report))


@cache
def _template() -> "Template":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("jtransfer.measure.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "duration": duration,
        "data_uri": data_uri,
        "breakable": _breakable,
        "cell": _cell,
    }
    return environment.get_template("page.html")


def _file(name: str) -> str:
    """Text of a file beside the template."""
    path = files("jtransfer.measure.page") / "templates" / name
    return path.read_text(encoding="utf-8")


def _breakable(name: str) -> Markup:
    """A file's name that is broken after its folders and words, where a line is too short."""
    return Markup("<wbr>").join(re.split(r"(?<=[/_])|(?=\.)", name))


def _cell(value: str | int | float) -> str:
    """A table's cell for people."""
    if isinstance(value, (str, bool)):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
