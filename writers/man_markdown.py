"""A manual page as Markdown: of man(7), what the pages in man/ use."""

import re
from collections.abc import Iterator, Sequence

ESCAPES = {r"\-": "-", r"\e": "\\", r"\&": "", "\\ ": " "}


def markdown(page: str) -> str:
    """Return the Markdown of a manual page, as MyST reads it. Raises `ValueError`.

    What cannot be rendered is an error, so that no page is shown without a part of it.
    """
    lines = page.splitlines()
    return "\n".join(_blocks(lines)) + "\n"


def _blocks(lines: Sequence[str]) -> Iterator[str]:
    """Render each request with the text below it."""
    left = list(lines)
    while left:
        line = left.pop(0)
        request, _, rest = line.partition(" ")
        if request == ".TH":
            yield f"# {rest.split()[0].strip(chr(34)).lower()}"
        elif request == ".SH":
            yield from ("", f"## {rest.strip(chr(34)).capitalize()}", "")
        elif request == ".PP":
            yield ""
        elif request == ".TP":
            yield from ("", f"`{_plain(left.pop(0))}`", f": {_prose(_taken(left))}")
        elif request == ".nf":
            yield from ("```text", *_literal(left), "```")
        elif request == ".B":
            yield from ("```text", _plain(f"{rest} {_taken(left)}"), "```")
        elif request.startswith((".", "'")):
            raise ValueError(f"no Markdown is known for {line}")
        else:
            yield _prose(line)


def _taken(left: list[str]) -> str:
    """Take the lines until the next request from `left`, as one text."""
    found = []
    while left and not left[0].startswith("."):
        found.append(left.pop(0))
    return " ".join(found)


def _literal(left: list[str]) -> Iterator[str]:
    """Take the lines until `.fi` from `left`; what `.B` has is one line with the next."""
    bold = ""
    while (line := left.pop(0)) != ".fi":
        if line == ".PP":
            yield ""
        elif line.startswith(".B "):
            bold = line.removeprefix(".B ")
            if left[0].startswith("."):
                yield _plain(bold)
                bold = ""
        else:
            yield _plain(f"{bold} {line}".strip())
            bold = ""


def _plain(text: str) -> str:
    """Return a text without escapes and fonts."""
    text = re.sub(r"\\f[BIRP]", "", text)
    return re.sub(r"\\.", lambda found: ESCAPES[found[0]], text)


def _prose(text: str) -> str:
    """Return a text that Markdown reads as it is, other pages linked."""
    return re.sub(
        r"\b(hexauth(?:-[a-z]+)*|(?:git|docker)-credential-hexauth)\(1\)",
        _link,
        prose(_plain(text)),
    )


def prose(text: str) -> str:
    """Return `text` so that Markdown shows each of its characters."""
    return re.sub(r"([\\`*_\[\]<>{}#$~|])", r"\\\1", text)


def _link(found: re.Match[str]) -> str:
    return f"[{found[1]}(1)]({found[1]}.1)"
