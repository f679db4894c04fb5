"""One key of a TOML document set or taken out: all else stays as it is written, comments too.

`tomlkit` does it where a key has its place. What is new goes below the last key of its table, and a
table is taken out, line by line: the comments that follow belong to what comes next. Whatever way
it went, the document is read again and has to say what was wanted.
"""

import re
import tomllib
from collections.abc import Callable
from copy import deepcopy
from typing import Any

Path = tuple[str, ...]
"""The names that lead to a key or to a table, from the outermost."""


def put(text: str, path: Path, value: object) -> str:
    """Return the document `text` with `value` at `path`.

    Raises ValueError if it is no TOML, or written in a way that this cannot be done.
    """
    before = tomllib.loads(text)
    wanted = deepcopy(before)
    table = wanted
    for name in path[:-1]:
        table = _table(table.setdefault(name, {}))
    ways: tuple[Callable[[], str], ...] = (
        lambda: _inserted(text, path, value),
        lambda: _replaced(text, path, value),
    )
    is_new = path[-1] not in table
    table[path[-1]] = value
    return _first(wanted, ways if is_new else ways[1:])


def take(text: str, path: Path) -> str:
    """Return the document `text` without the key or the table at `path`, which is there.

    A table that has nothing else goes, too. Raises ValueError as `put` does, KeyError if there is
    no such key.
    """
    before = tomllib.loads(text)
    while len(path) > 1 and len(_at(before, path[:-1])) == 1:
        _at(before, path[:-1])[path[-1]]  # it is there
        path = path[:-1]
    wanted = deepcopy(before)
    del _at(wanted, path[:-1])[path[-1]]
    return _first(wanted, (lambda: _without_table(text, path), lambda: _without_key(text, path)))


def _table(found: object) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ValueError("a value stands where a table has to be")
    return found


def _at(document: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the table at `path`. Raises KeyError, and ValueError if it is none."""
    for name in path:
        document = _table(document[name])
    return document


def _first(wanted: dict[str, Any], ways: tuple[Callable[[], str], ...]) -> str:
    """Return what the first of `ways` makes that says what is `wanted`."""
    from tomlkit.exceptions import TOMLKitError

    for way in ways:
        try:
            text = way()
            if tomllib.loads(text) == wanted:
                return text
        except (TOMLKitError, ValueError, KeyError, TypeError, AttributeError):
            continue
    raise ValueError("it is written in a way that cannot be changed by name")


def _replaced(text: str, path: Path, value: object) -> str:
    import tomlkit

    document = tomlkit.parse(text)
    table: Any = document
    while len(path) > 1 and path[0] in table:
        table, path = table[path[0]], path[1:]
    for name in reversed(path[1:]):
        value = {name: value}
    table[path[0]] = value
    return tomlkit.dumps(document)


def _without_key(text: str, path: Path) -> str:
    import tomlkit

    document = tomlkit.parse(text)
    table: Any = document
    for name in path[:-1]:
        table = table[name]
    del table[path[-1]]
    return tomlkit.dumps(document)


def _inserted(text: str, path: Path, value: object) -> str:
    """Return `text` with another line in a table that has a header, or with a new table."""
    import tomlkit

    lines = _lines(text)
    line = tomlkit.dumps({path[-1]: value})
    if "\r\n" in text:
        line = line.replace("\n", "\r\n")
    headers = _headers(lines)
    if len(path) == 1:
        end = _last_key(lines, 0, headers[0][0] if headers else len(lines))
        lines.insert(end, line)
        if end < len(lines) - 1 and lines[end + 1].lstrip().startswith(("[", "#")):
            lines.insert(end + 1, "\n")
        return "".join(lines)
    for index, (start, name) in enumerate(headers):
        if name == path[:-1]:
            stop = headers[index + 1][0] if index + 1 < len(headers) else len(lines)
            lines.insert(_last_key(lines, start + 1, stop), line)
            return "".join(lines)
    header = ".".join(tomlkit.key(each).as_string() for each in path[:-1])
    return "".join([*lines, *(["\n"] if lines else []), f"[{header}]\n", line])


def _without_table(text: str, path: Path) -> str:
    """Return `text` without the headers of a table and of those below it, and their keys."""
    lines = _lines(text)
    headers = _headers(lines)
    if not headers:
        return text
    stops = [start for start, _ in headers[1:]] + [len(lines)]
    for (start, name), stop in reversed(list(zip(headers, stops, strict=True))):
        if name[: len(path)] == path:
            del lines[start : _last_key(lines, start + 1, stop)]
            while lines[start:] and not lines[start].strip() and _is_apart(lines, start):
                del lines[start]  # the blank line above stays
    while headers[-1][1][: len(path)] == path and lines and not lines[-1].strip():
        del lines[-1]
    return "".join(lines)


def _is_apart(lines: list[str], start: int) -> bool:
    """Tell whether nothing stands right above a line."""
    return start == 0 or not lines[start - 1].strip()


def _lines(text: str) -> list[str]:
    """Return the lines of `text`, each with its end."""
    lines = re.findall(r"[^\n]*\n|[^\n]+$", text)
    return [*lines[:-1], lines[-1] + "\n" * (not lines[-1].endswith("\n"))] if lines else []


def _headers(lines: list[str]) -> list[tuple[int, Path]]:
    """Return where tables begin, and what they are called."""
    found = []
    for number, line in enumerate(lines):
        if not line.lstrip(" \t").startswith("["):
            continue
        try:
            table = tomllib.loads(line)
        except ValueError:  # it goes on with a list, or is in a text
            continue
        name = []
        while isinstance(table, dict) and table:
            ((key, table),) = table.items()
            name.append(key)
        found.append((number, tuple(name)))
    return found


def _last_key(lines: list[str], start: int, stop: int) -> int:
    """Return the line below the last key of those lines, or else below what is said at the top."""
    for end in range(stop, start, -1):
        if lines[end - 1].strip() and not lines[end - 1].lstrip(" \t").startswith("#"):
            return end
    if start == 0 and stop < len(lines):  # the comment right above the first table is of that
        return max((n + 1 for n in range(stop) if not lines[n].strip()), default=0)
    return stop if start == 0 else start
