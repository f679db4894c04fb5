"""The language of manual pages, man(7), as far as hexauth's are written in it.

`hexauth.screen.page` shows the same part of it where there is no man.
"""

import re
from collections.abc import Iterable, Iterator

ESCAPES = {"\\": "\\e", "-": "\\-", "~": "\\(ti", "^": "\\(ha", "`": "\\(ga"}
"""Characters that roff would take for others."""


def text(said: str) -> str:
    """Return a text for roff, each sentence in a line of its own; `code` is bold."""
    return re.sub(r"\\\(ga(.*?)\\\(ga", lambda code: f"\\fB{_straight(code[1])}\\fR", literal(said))


def literal(said: str) -> str:
    """Return a text for roff, each sentence in a line of its own, whose every sign is seen."""
    lines = re.sub(r"(?<=[a-z)`\]][.;:]) (?=[A-Z`-])", "\n", " ".join(said.split()))
    return re.sub(r"^([.'])", r"\\&\1", escaped(lines), flags=re.MULTILINE)


def escaped(said: str) -> str:
    """Return `said` with what acts on roff escaped."""
    return "".join(ESCAPES.get(each, each) for each in said)


def bold(said: str) -> str:
    """Return what is typed as it is: `said` is escaped but for its quotes."""
    return f"\\fB{_straight(said)}\\fR"


def _straight(said: str) -> str:
    return said.replace("'", "\\(aq").replace('"', "\\(dq")


def header(name: str, section: int, date: str, source: str) -> str:
    """Return the first lines of a page: no word is hyphenated, no line stretched."""
    return f'.TH "{name.upper()}" {section} {date} "{source}" "hexauth manual"\n.nh\n.ad l'


def tagged(tag: str, said: str) -> Iterator[str]:
    """Yield an entry of a list: what is typed, and what it means."""
    yield from (".TP", bold(escaped(tag)), text(said))


def paragraphs(said: str) -> Iterator[str]:
    """Yield a text in paragraphs, which empty lines part."""
    for paragraph in re.split(r"\n\s*\n", said.replace("\b", "").strip()):
        yield from (".PP", text(paragraph))


def example(said: str, lines: Iterable[str]) -> Iterator[str]:
    """Yield what is done by `lines`, and these as they are typed."""
    yield from (".PP", text(said), ".PP", ".RS 4", ".nf")
    yield from (bold(escaped(line)) if line else "" for line in lines)
    yield from (".fi", ".RE")


def joined(lines: Iterable[str]) -> str:
    """Return a page of these lines; a section begins with a paragraph by itself."""
    return re.sub(r"^(\.S[HS] .*)\n\.PP$", r"\1", "\n".join(lines), flags=re.MULTILINE)
