"""`hexauth help`: the manual, with man or without."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import click

from hexauth.cli.streams import write_lines
from hexauth.errors import UsageError, did_you_mean
from hexauth.machine.programs import find_program, without_secrets
from hexauth.machine.terminal import shown
from hexauth.screen.layout import columns
from hexauth.screen.page import rendered
from hexauth.tools.pages import ALIASES, pages


@click.command("help", short_help="Show the manual page of a command.")
@click.argument("topic", nargs=-1, metavar="[COMMAND | TOPIC]")
def help_(topic: tuple[str, ...]) -> None:
    """Show the manual page of COMMAND, such as `key add`, or of hexauth itself.

    TOPIC is config.toml or settings, diagnostics or errors, or a program such as
    git-credential-hexauth.

    At a terminal the page is shown by man, or where there is none by $PAGER or less; elsewhere it
    is printed as plain text.
    """
    path = _page(" ".join(topic))
    is_seen = sys.stdout is not None and sys.stdout.isatty()
    if is_seen and _shown_by("man", [str(path)]):
        return
    lines = rendered(path.read_text("utf-8"), columns(sys.stdout, os.environ))
    if not (is_seen and _paged(lines)):
        write_lines(lines)


def _page(topic: str) -> Path:
    """Return the page about `topic`. Raises `UsageError` if there is none."""
    known = pages()
    name = topic.removeprefix("hexauth ").removeprefix("hexauth-") or "hexauth"
    found = known.get(topic or "hexauth") or known.get(name) or known.get(name.replace("-", " "))
    if found is None:
        raise UsageError(
            f"The manual has no page about {topic!r}.",
            hint=f"{did_you_mean(name, known)}Write a command as `hexauth --help` lists them, or "
            f"{', '.join(ALIASES)}.",
        )
    return found


def _shown_by(program: str, words: list[str], text: bytes | None = None) -> bool:
    """Tell whether `program`, if it is there, has shown the page that it was given."""
    found = find_program(program, os.environ)
    if found is None:
        return False
    environ = {"LESS": "FRX", **without_secrets(os.environ)}  # less ends at once if all is seen
    try:
        return subprocess.run([found, *words], input=text, env=environ, check=False).returncode == 0
    except OSError:
        return False


def _paged(lines: list[str]) -> bool:
    """Tell whether `lines` were shown by the person's own program for that."""
    try:
        program, *words = shlex.split(os.environ.get("PAGER") or "less")
    except ValueError:  # quotes that do not end, or nothing
        return False
    return _shown_by(program, words, "".join(f"{shown(line)}\n" for line in lines).encode())
