"""The documentation as a site: what Sphinx reads, and the parts that are made of the program."""

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from writers.man_markdown import markdown, sections
from writers.manual import pages

PATTERNS = (
    "docs/*.md",
    "man/man1/*.1",
    "bench/*.md",
    "SECURITY.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
)
"""The pages, from the project's root: they link to each other as they do in a checkout."""

START = "docs/index"

MARK = re.compile(r"^<!-- made of the program: (\w+) -->$", re.MULTILINE)
"""Stands in a page for what is made of the program when the site is built."""

REDIRECT = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>hexauth</title>'
    '<meta http-equiv="refresh" content="0; url=docs/index.html">'
    '<a href="docs/index.html">hexauth</a></html>\n'
)


def build(root: Path, output: Path, only: Sequence[str] = ()) -> int:
    """Build the site below `root` into `output`; return Sphinx's exit code, 0 if all is well.

    All pages are read. With `only`, these files alone are written, without an index for searching,
    which takes half the time.
    """
    part = ["-t", "part"] if only else []
    with TemporaryDirectory(prefix="hexauth-docs-") as trees:
        words = ["-q", "-W", "-n", "--keep-going", "-b", "html", *part, "-c", str(root / "docs")]
        command = [
            sys.executable,
            "-m",
            "sphinx",
            *words,
            "-d",
            trees,
            str(root),
            str(output),
            *only,
        ]
        code = subprocess.run(command, cwd=root, check=False).returncode
    if code == 0:
        (output / "index.html").write_text(REDIRECT, "utf-8")
    return code


def source(name: str, text: str) -> str:
    """Return the Markdown of the page `name`, whose file has `text`.

    Raises `ValueError` for a page that wants something of the program which is not known here.
    """
    if name.startswith("man/"):
        return markdown(text)
    return MARK.sub(lambda found: _made(found[1]), text)


def _made(name: str) -> str:
    if name not in MADE:
        raise ValueError(f"nothing is made under the name {name}")
    page, headings = MADE[name]
    found = sections(pages()[page])
    return "\n\n".join(f"## {heading}\n\n{found[heading]}" for heading in headings)


MADE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "settings": (
        "man/man5/hexauth-config.5",
        ("Settings", "Settings of a run", "Examples"),
    ),
    "messages": ("man/man7/hexauth-diagnostics.7", ("Diagnostics",)),
}
"""What pages can have made, by the names that they use: a manual page, and sections of it."""
