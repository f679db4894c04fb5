"""A manual page as Markdown: of man(7), what `writers.roff` writes."""

import re
from collections.abc import Iterator, Mapping

from hexauth.screen.page import plain

ELSEWHERE: Mapping[str, str] = {
    "hexauth-config(5)": "/docs/settings.md",
    "hexauth-diagnostics(7)": "/docs/troubleshooting.md",
}
"""Pages whose contents stand in another page of the site."""

PAGE = re.compile(r"\b((?:git-credential-|docker-credential-)?hexauth(?:-[a-z]+)*)\((\d)\)")

IGNORED = ("nh", "ad")


def markdown(page: str) -> str:
    """Return the Markdown of a manual page, as MyST reads it. Raises `ValueError`.

    What cannot be rendered is an error, so that no page is shown without a part of it.
    """
    return "\n".join(_blocks(page.splitlines())).strip("\n") + "\n"


def sections(page: str) -> Mapping[str, str]:
    """Return the Markdown of each section of a manual page, by its heading, without that."""
    parts = re.split(r"^## (.*)\n", markdown(page), flags=re.MULTILINE)
    return {name: text.strip("\n") for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def prose(text: str) -> str:
    """Return a text in roff so that Markdown shows each of its characters: what is bold is code."""
    parts = re.split(r"\\fB(.*?)\\fR", text)
    return "".join(
        _code(plain(part)) if number % 2 else _linked(plain(part))
        for number, part in enumerate(parts)
    )


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _linked(text: str) -> str:
    """Escape what acts on Markdown, and lead from the name of a page to it."""
    escaped = re.sub(r"([\\`*_\[\]<>{}#$~|])", r"\\\1", text)
    return PAGE.sub(lambda found: f"[{found[0]}]({_place(found)})", escaped)


def _place(page: re.Match[str]) -> str:
    """Return where a page stands, from the project's root, as MyST reads it."""
    return ELSEWHERE.get(page[0], f"/man/man{page[2]}/{page[1]}.{page[2]}")


def _blocks(left: list[str]) -> Iterator[str]:
    """Render each request with the text below it."""
    while left:
        line = left.pop(0)
        request, _, rest = line.removeprefix(".").partition(" ")
        if not line.startswith("."):
            yield _text([line, *_taken(left)], "")
        elif request == "TH":
            name, section = rest.split()[:2]
            yield f"# {name.strip(chr(34)).lower()}({section})"
        elif request in ("SH", "SS"):
            yield from ("", f"{'##' if request == 'SH' else '###'} {plain(rest).capitalize()}", "")
        elif request == "PP":
            yield ""
        elif request == "TP":
            yield from _entry(left)
        elif request == "B":
            words = " ".join(plain(each) for each in (rest, *_taken(left)))
            yield from ("```text", words, "```")
        elif line == ".RS 4" and left[0] == ".nf":
            yield from _literal(left)
        elif request not in IGNORED:
            raise ValueError(f"no Markdown is known for {line}")


def _entry(left: list[str]) -> Iterator[str]:
    """Render an entry of a list, and the list below it, if there is one."""
    tag = plain(left.pop(0))
    yield from ("", _code(tag), f": {_text(_taken(left), '  ')}")
    if left[:1] == [".RS"]:
        yield ""
    while left[:2] == [".RS", ".TP"]:
        name = plain(left[2])
        del left[:3]
        yield f"  - {_code(name)}: {_text(_taken(left), '    ')}"
        if left.pop(0) != ".RE":
            raise ValueError(f"the list of {tag} does not end after {name}")


def _literal(left: list[str]) -> Iterator[str]:
    """Render lines that are shown as they are, and the end of their indentation."""
    end = left.index(".fi")
    lines = [plain(line) for line in left[1:end]]
    if left[end + 1 : end + 2] != [".RE"]:
        raise ValueError("what is shown as it is goes on")
    del left[: end + 2]
    yield from ("```text", *lines, "```")


def _taken(left: list[str]) -> list[str]:
    """Take the lines up to the next request, but for breaks, from `left`."""
    found = []
    while left and (not left[0].startswith(".") or left[0] == ".br"):
        found.append(left.pop(0))
    return found


def _text(lines: list[str], indent: str) -> str:
    r"""Return lines as a paragraph; a break is a backslash at a line's end."""
    parts = " ".join("\n" if line == ".br" else prose(line) for line in lines).split(" \n ")
    return f"\\\n{indent}".join(parts)
