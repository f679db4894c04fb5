"""How help is laid out: no word is broken, however narrow the terminal."""

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence

import click

from hexauth.screen.layout import LEAST, cells, columns, padded, wrapped

WIDEST = 96
"""The longest line that reads well."""

NAME = 30
"""The widest column of names; a longer one has its line, and what it means stands below."""


class Formatter(click.HelpFormatter):
    """What Click writes help with, laid out for the terminal's own width."""

    def __init__(self) -> None:
        super().__init__(width=min(columns(sys.stdout, os.environ), WIDEST))

    def write_text(self, text: str) -> None:
        """Write paragraphs, as far in as everything is now."""
        margin = " " * self.current_indent
        for number, paragraph in enumerate(re.split(r"\n\s*\n", text)):
            words = " ".join(paragraph.split())
            lines = wrapped(words, self.width, margin)
            self.write("\n" * (number > 0) + "".join(f"{line}\n" for line in lines))

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = NAME, col_spacing: int = 2
    ) -> None:
        """Write names and what they mean, in two columns where there is room for them."""
        self._write_rows(list(rows), col_max, col_spacing)

    def _write_rows(self, rows: Sequence[tuple[str, str]], col_max: int, col_spacing: int) -> None:
        longest = max((cells(name) for name, _ in rows if cells(name) <= col_max), default=0)
        margin = self.current_indent + longest + col_spacing
        if self.width - margin < LEAST:
            margin = self.current_indent + 2 * col_spacing
        indent, below = " " * self.current_indent, " " * margin
        for name, meaning in rows:
            head, lines = f"{indent}{name}", list[str]()
            if cells(head) > margin - col_spacing:
                lines, first = wrapped(name, self.width, indent, below), below
            else:
                first = padded(head, margin)
            lines += wrapped(meaning, self.width, first, below) if meaning else []
            self.write("".join(f"{line}\n" for line in lines))


def write_commands(
    formatter: click.HelpFormatter, title: str, commands: Mapping[str, click.Command | None]
) -> None:
    """Write a section with what each of `commands` does, in one sentence; a hidden one is left out.

    Click would cut the sentences.
    """
    rows = [
        (name, each.get_short_help_str(limit=200))
        for name, each in commands.items()
        if each is not None and not each.hidden
    ]
    if rows:
        with formatter.section(title):
            formatter.write_dl(rows)
