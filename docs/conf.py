"""How Sphinx builds the site; `sh scripts/docs` calls it with the project's root as its source."""

import sys
from pathlib import Path
from typing import Any

root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root))

from hexauth import __version__  # noqa: E402  (the line above is what finds it)
from writers.site import PATTERNS, START, source  # noqa: E402

project = "hexauth"
version = release = __version__
copyright = "the hexauth authors, Apache-2.0"  # noqa: A001  (Sphinx's name)
language = "en"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown", ".1": "markdown"}
root_doc = START
include_patterns = list(PATTERNS)
exclude_patterns = [".*", "build", "dist", "hexauth", "tests", "writers", "fuzz"]

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4
smartquotes = False  # it makes a dash of the two before an option

html_theme = "furo"
html_title = "hexauth"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_favicon = "icon.svg"
html_copy_source = False
html_use_index = False
html_show_sphinx = False
html_theme_options = {"footer_icons": [], "top_of_page_buttons": []}


def setup(app: Any) -> None:  # noqa: ANN401  (sphinx.application.Sphinx)
    """Let pages have their parts that are made of the program."""
    app.connect("source-read", _read)
    if app.tags.has("part"):
        app.connect("builder-inited", _without_search)


def _read(app: Any, name: str, texts: list[str]) -> None:  # noqa: ANN401  (the same)
    texts[0] = source(name, texts[0])


def _without_search(app: Any) -> None:  # noqa: ANN401  (the same)
    """Make no index: one of a part of the pages would be a warning."""
    app.builder.search = False
