"""Erlang terms as text, as `file:consult` reads them: what mix and rebar3 keep their keys in.

The whole of the syntax that `io:format("~p.~n")` writes, and nothing that would have to be run.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from hexauth.errors import UsageError

DEPTH = 100
"""How deep terms may lie inside each other."""

CHARACTERS = 512 * 1024
"""How long a file may be: those of mix and rebar3 have a few thousand characters."""

# Nothing is given back: Python would remember each place where it might be, in much memory.
SPACE = re.compile(r"\s*+(?:%[^\n]*+\s*+)*+")
ATOM = re.compile(r"[a-z][A-Za-z0-9_@]*+|'(?:[^'\\]++|\\.)*+'", re.DOTALL)
STRING = re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
NUMBER = re.compile(r"[+-]?\d+(?:\.\d+(?:[eE][+-]?\d+)?)?")
ESCAPE = re.compile(r"\\(x\{[0-9A-Fa-f]{1,6}\}|x[0-9A-Fa-f]{2}|[0-7]{1,3}|.)", re.DOTALL)
LETTERS = {"n": "\n", "r": "\r", "t": "\t", "s": " ", "e": "\x1b", "0": "\0", "b": "\b", "f": "\f"}


@dataclass(frozen=True, slots=True)
class Term:
    """A term at the top of a file, and from where to where its text reaches."""

    value: Any = field(repr=False)
    start: int
    end: int


def parse(text: str) -> list[Term]:
    """Return the terms of a file, each ended by a full stop. Raises `UsageError`.

    Atoms, strings and binaries become texts, tuples tuples, lists lists, and maps dictionaries.
    """
    if len(text) > CHARACTERS:
        raise UsageError("It is too long for a file of keys.", hint="It was left alone.")
    reader = _Reader(text)
    terms = []
    reader.skip()
    while not reader.is_at_end():
        start = reader.place
        value = reader.term()
        reader.expect(".")
        terms.append(Term(value, start, reader.place))
        reader.skip()
    return terms


class _Reader:
    """Reads one term after another."""

    def __init__(self, text: str) -> None:
        self.place = 0
        self._text = text
        self._depth = 0

    def is_at_end(self) -> bool:
        return self.place >= len(self._text)

    def skip(self) -> None:
        """Go past spaces and comments."""
        found = SPACE.match(self._text, self.place)
        self.place = found.end() if found else self.place

    def expect(self, mark: str) -> None:
        if not self._takes(mark):
            self._fail()

    def term(self) -> Any:  # noqa: ANN401  (a term is anything)
        """Read a term."""
        self._depth += 1
        if self._depth > DEPTH:
            self._fail()
        self.skip()
        value = self._value()
        self._depth -= 1
        return value

    def _value(self) -> Any:  # noqa: ANN401, PLR0911  (one a kind of term)
        if self._takes("#{"):
            return self._map()
        if self._takes("<<"):
            return self._binary()
        if self._takes("{"):
            return tuple(self._items("}"))
        if self._takes("["):
            return self._items("]")
        if found := self._match(STRING):
            return _unescaped(found[1])
        if found := self._match(ATOM):
            return _unescaped(found[0][1:-1]) if found[0].startswith("'") else found[0]
        found = self._match(NUMBER)
        if found is None:
            self._fail()
        return float(found[0]) if "." in found[0] else _integer(found[0])

    def _map(self) -> Mapping[Any, Any]:
        result: dict[Any, Any] = {}
        if self._takes("}"):
            return result
        while True:
            self.skip()
            start = self.place
            key = self.term()
            if not isinstance(key, str | int | float):
                key = self._text[start : self.place]  # a repr of another doubles its escapes
            self.expect("=>")
            result[key] = self.term()
            if self._takes("}"):
                return result
            self.expect(",")

    def _binary(self) -> str:
        """Read what is between the brackets: a string, perhaps `/utf8`, or bytes."""
        if self._takes(">>"):
            return ""
        if found := self._match(STRING):
            self._takes("/utf8")
            self.expect(">>")
            return _unescaped(found[1])
        values = self._items(">>")
        if not all(isinstance(value, int) and 0 <= value < 256 for value in values):
            self._fail()
        return bytes(values).decode("utf-8", "surrogateescape")

    def _items(self, end: str) -> list[Any]:
        items: list[Any] = []
        if self._takes(end):
            return items
        while True:
            items.append(self.term())
            if self._takes(end):
                return items
            self.expect(",")

    def _takes(self, mark: str) -> bool:
        self.skip()
        if not self._text.startswith(mark, self.place):
            return False
        self.place += len(mark)
        return True

    def _match(self, shape: re.Pattern[str]) -> re.Match[str] | None:
        found = shape.match(self._text, self.place)
        if found:
            self.place = found.end()
        return found

    def _fail(self) -> NoReturn:
        line = self._text.count("\n", 0, self.place) + 1
        raise UsageError(f"Line {line} holds no Erlang term.", hint="It was left alone.")


def _integer(digits: str) -> int:
    if len(digits) > 1000:  # Python refuses to convert very long ones
        raise UsageError("It holds a number beyond reason.", hint="It was left alone.")
    return int(digits)


def _unescaped(text: str) -> str:
    return ESCAPE.sub(lambda found: _character(found[1]), text)


def _character(escape: str) -> str:
    if escape[0] == "x" and len(escape) > 1:
        number = int(escape[1:].strip("{}"), 16)
        return chr(number) if number < 0x110000 else "\ufffd"
    if escape[0] in "01234567":
        return chr(int(escape, 8))
    return LETTERS.get(escape, escape)
