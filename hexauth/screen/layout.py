"""How lines fit the width there is: words stay whole, and nobody but the terminal splits addresses.

Everything is escaped and cut first, as `machine.terminal` has it, and measured in cells then.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TextIO

from hexauth.machine.terminal import shown

USUAL, NARROWEST, WIDEST = 80, 20, 200
"""The columns where nobody can tell, the fewest that are laid out for, and the most."""

LEAST = 24
"""The narrowest column of values that reads well; below it they stand under their names."""

GAP = 2
"""Cells between two columns."""


def columns(stream: TextIO | int | None, environ: Mapping[str, str]) -> int:
    """Return the width to lay out for, in cells: `COLUMNS`, the terminal's, or the usual one.

    `stream` may be a file descriptor.
    """
    try:
        number = stream if isinstance(stream, int) else stream.fileno() if stream else -1
        found = os.get_terminal_size(number).columns
    except (OSError, ValueError):
        found = 0
    return fitting(found, environ)


def fitting(found: int, environ: Mapping[str, str]) -> int:
    """Return the width to lay out for where a terminal says that it has `found` columns."""
    said = environ.get("COLUMNS", "")
    if said.isascii() and said.isdigit() and int(said):
        found = int(said[:6])
    return min(max(found or USUAL, NARROWEST), WIDEST)


def cells(text: str) -> int:
    """Return how many cells of a terminal `text` takes: none a mark, two a wide letter (UAX 11)."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(
        0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text
    )


def padded(text: str, width: int) -> str:
    """Return `text` with blanks behind it, up to `width` cells."""
    return text + " " * (width - cells(text))


def wrapped(text: str, width: int, first: str = "", rest: str | None = None) -> list[str]:
    """Return `text`, escaped, in lines of `width` cells at most, `first` before the first of them.

    `rest` stands before the others: as many blanks if it is not said, and fewer before a word that
    would not fit behind them. A word that is longer than a line has a line of its own.
    """
    rest = " " * cells(first) if rest is None else rest
    lines, line, is_empty = list[str](), first, True
    for word in shown(text).split():
        is_over = cells(line) + (not is_empty) + cells(word) > width
        if is_over and (not is_empty or line.strip()):
            lines.append(line.rstrip())
            line, is_empty = rest, True
        if is_empty and cells(line) + cells(word) > width:
            line = line[: max(0, width - cells(word))]
        line += word if is_empty else f" {word}"
        is_empty = False
    return [*lines, line.rstrip()]


def pairs(rows: Iterable[tuple[str, str]], width: int, indent: int = 2) -> Iterator[str]:
    """Yield names and their values in two columns; a long value wraps under its column.

    Where the width leaves no room for that, values stand under their names.
    """
    rows = [(shown(name), value) for name, value in rows]
    margin = indent + max((cells(name) for name, _ in rows), default=0) + GAP
    for name, value in rows:
        if width - margin >= LEAST:
            yield from wrapped(value, width, padded(" " * indent + name, margin), " " * margin)
        else:
            if name:
                yield " " * indent + name
            yield from wrapped(value, width, " " * (indent + GAP))


def table(rows: Sequence[Sequence[str]], width: int, heading: Sequence[str] = ()) -> Iterator[str]:
    """Yield `rows` in columns below their `heading`; the last column wraps.

    Where the width leaves no room for that, each row is a paragraph of its own.
    """
    cut = [[shown(cell) for cell in row] for row in ([heading] if heading else []) + [*rows]]
    if not cut:
        return
    widths = [max(map(cells, column)) + GAP for column in zip(*cut, strict=True)]
    margin = sum(widths[:-1])
    if width - margin >= min(LEAST, widths[-1]):
        for row in cut:
            start = "".join(padded(cell, size) for cell, size in zip(row, widths, strict=False))
            yield from wrapped(row[-1], width, padded(start[:margin], margin), " " * margin)
        return
    for row in cut[1:] if heading else cut:
        yield from wrapped(row[0], width)
        yield from (line for cell in row[1:] for line in wrapped(cell, width, " " * GAP))
