"""The site: `make docs`. Tutorials are run as it is built, and nothing is fetched."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # reference_pages.py

import reference_pages

import jtransfer

project = "jtransfer"
author = copyright = "the jtransfer developers"
release = version = jtransfer.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "myst_nb"]
exclude_patterns = ["_static"]
root_doc = "index"

html_theme = "sphinx_book_theme"
html_title = "jtransfer"
html_theme_options = {"show_toc_level": 2, "use_download_button": False, "navbar_persistent": []}
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["wide.css"]

# Docstrings are read as the house writes them: `name` in single backticks is code.
default_role = "literal"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
autodoc_typehints = "none"  # shapes stand in the docstrings; types of arrays say little
autodoc_class_signature = "mixed"

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["mystnb.unknown_mime_type"]

# A tutorial that fails, or takes longer than this, fails the build.
nb_execution_mode = "cache"
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_merge_streams = True
nb_output_stderr = "remove"  # progress, which is for a terminal
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("TQDM_DISABLE", "1")

# Links within the site are checked by every build (myst.xref_missing is a warning, and warnings are
# errors); those to other sites by `make docs-links`, for whoever has a network.
linkcheck_timeout = 20
linkcheck_retries = 2


def plain_bars(app, what, name, found, options, lines):
    """|x| is an absolute value or a norm in this house, and no substitution of reStructuredText."""
    lines[:] = [
        "`".join(
            part if within % 2 else part.replace("|", r"\|")
            for within, part in enumerate(line.split("`"))
        )
        for line in lines
    ]


def setup(app):
    """Write the pages of the reference before they are read; read docstrings as they are meant."""
    app.connect("builder-inited", lambda app: reference_pages.write(Path(app.srcdir) / "reference"))
    app.connect("autodoc-process-docstring", plain_bars, priority=400)
