"""The pages of the documentation, as what runs and checks them reads them."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from hexauth.cli.main import main

ROOT = Path(__file__).parent.parent

PAGES: Mapping[str, str] = {
    str(path.relative_to(ROOT)): path.read_text("utf-8")
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
}
"""Each page's text, by its path."""

SHELL = ("sh", "bash")


@dataclass(frozen=True)
class Block:
    """A fenced block of `page`, in `language`."""

    page: str
    language: str
    text: str

    @property
    def first(self) -> str:
        """Its first line, by which tables name it."""
        return self.text.strip().partition("\n")[0]


def blocks(page: str, *languages: str) -> list[Block]:
    """Return the blocks of a page in these languages, in its order."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", PAGES[page], re.MULTILINE | re.DOTALL)
    return [Block(page, kind, text) for kind, text in found if kind in languages]


def every_block(*languages: str) -> list[Block]:
    """Return the blocks of all pages in these languages."""
    return [block for page in PAGES for block in blocks(page, *languages)]


def calls(script: str) -> Iterator[list[str]]:
    """Return the words of each call of hexauth that a shell script makes by itself."""
    lexer = shlex.shlex(script.replace("\n", " ; "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    for word in [*lexer, ";"]:
        if set(word) <= set(";|&()<>"):
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words.pop(0)
            if words[:1] == ["hexauth"]:
                yield words[1:]
            words = []
        else:
            words.append(word)


def parse(words: list[str]) -> None:
    """Parse the words after `hexauth` as it would, and run nothing; raises `click.UsageError`."""
    context, command = main.make_context("hexauth", list(words)), main
    while isinstance(command, click.Group):
        rest = [*getattr(context, "_protected_args", ()), *context.args]  # the command's own
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None, name
        command = found  # type: ignore[assignment]  # a group, or what ends the loop
        context = command.make_context(str(name), rest, parent=context)


def known_options(words: list[str]) -> set[str]:
    """Return the options of the command that `words` name, and of what it is a part of."""
    command: click.Command = main
    found: set[str] = set()
    for word in ["", *words]:
        if word and isinstance(command, click.Group):
            inner = command.get_command(click.Context(command), word)
            if inner is None:
                break
            command = inner
        context = click.Context(command, **main.context_settings)
        for option in command.get_params(context):
            found |= {*option.opts, *option.secondary_opts}
    return found
