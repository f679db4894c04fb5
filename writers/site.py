"""The documentation as a site: what Sphinx reads, and the parts that are made of the program."""

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from hexauth.errors import exit_codes
from hexauth.world.settings import SETTINGS, Setting
from writers.man_markdown import markdown, prose

PATTERNS = ("docs/*.md", "man/*.1", "bench/*.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md")
"""The pages, from the project's root: they link to each other as they do in a checkout."""

START = "docs/index"

MARK = re.compile(r"^<!-- made of the program: (\w+) -->$", re.MULTILINE)
"""Stands in a page for what is made of the program when the site is built."""

REDIRECT = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>hexauth</title>'
    '<meta http-equiv="refresh" content="0; url=docs/index.html">'
    '<a href="docs/index.html">hexauth</a></html>\n'
)


def build(root: Path, output: Path) -> int:
    """Build the site below `root` into `output`; return Sphinx's exit code, 0 if all is well."""
    with TemporaryDirectory(prefix="hexauth-docs-") as trees:
        words = ["-q", "-W", "-n", "--keep-going", "-b", "html", "-c", str(root / "docs")]
        command = [sys.executable, "-m", "sphinx", *words, "-d", trees, str(root), str(output)]
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
    return MADE[name]()


def settings() -> str:
    """Return each setting with its names, its default and its meaning."""
    return "\n".join(part for setting in SETTINGS for part in _setting(setting))


def _setting(setting: Setting) -> list[str]:
    names = [
        *(f"`{flag}`" for flag in (setting.flag,) if flag),
        *(f"`{variable}`" for variable in setting.variables),
        *([f"`{setting.name}` in config.toml"] if setting.in_file else []),
    ]
    default = setting.default
    shown = "none" if default in ("", (), {}) else f"`{str(default).lower()}`"
    if isinstance(default, str) and default:
        shown = f"`{default}`"
    return [
        f"### {setting.name}",
        "",
        setting.meaning,
        "",
        f"- Set by {', '.join(names)}.",
        f"- Default: {shown}.",
        *(["- Never shown."] if setting.secret else []),
        "",
    ]


def messages() -> str:
    """Return each error that there is: what it says, what it means, and what it says to do."""
    from writers.diagnostics import ALL

    parts = []
    for code, meaning in exit_codes().items():
        of_it = [each for each in ALL if each.exit_code == code]
        if of_it:
            parts += [f"### Exit code {code}", "", prose(meaning), ""]
        for each in of_it:
            parts += [
                f"`` {each.message} ``",
                f": {each.explanation}",
                *(["", f"  It says: {each.hint}"] if each.hint else []),
                "",
            ]
    return "\n".join(parts)


MADE: Mapping[str, Callable[[], str]] = {"settings": settings, "messages": messages}
"""What pages can have made, by the names that they use."""
