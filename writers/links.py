"""The links of Markdown pages: where they lead, and which lead nowhere."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

PAGES = ("README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/*.md", "bench/*.md")


def pages(root: Path) -> list[Path]:
    """Return the pages below `root` that people read."""
    return [path for pattern in PAGES for path in sorted(root.glob(pattern))]


def links(text: str) -> list[str]:
    """Return the targets of a page's links and pictures, in its order."""
    return list(_targets(text))


def external(root: Path) -> dict[str, list[str]]:
    """Return each address outside the project, and the pages that link to it."""
    found: dict[str, list[str]] = {}
    for path in pages(root):
        for target in links(path.read_text("utf-8")):
            if _is_external(target):
                found.setdefault(target, []).append(str(path.relative_to(root)))
    return dict(sorted(found.items()))


def dead(root: Path) -> list[str]:
    """Return the links that lead to no file below `root`, or to no heading in it."""
    return [
        f"{path.relative_to(root)}: {target}"
        for path in pages(root)
        for target in links(path.read_text("utf-8"))
        if not _is_external(target) and not _is_there(root, path, target)
    ]


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them; a repeated one is numbered."""
    found: set[str] = set()
    for heading in _headings(text):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number, name = 0, slug
        while name in found:
            number += 1
            name = f"{slug}-{number}"
        found.add(name)
    return found


def _is_external(target: str) -> bool:
    return re.match("[a-z]+:", target) is not None


def _is_there(root: Path, page: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    path = (page.parent / unquote(name)).resolve() if name else page
    if not path.is_relative_to(root.resolve()) and name:
        return False
    if not anchor:
        return path.exists()
    return path.is_file() and anchor in anchors(path.read_text("utf-8"))


def _targets(text: str) -> Iterator[str]:
    from markdown_it import MarkdownIt  # it comes with myst-parser, in the extra `docs`

    for token in MarkdownIt("commonmark").enable("table").parse(text):
        for part in (token, *(token.children or ())):
            for name in ("href", "src"):
                if name in part.attrs:
                    yield str(part.attrs[name])
            if part.type in ("html_block", "html_inline"):
                yield from re.findall(r'(?:href|src|srcset)="([^"]+)"', part.content)


def _headings(text: str) -> Iterator[str]:
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").parse(text)
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            yield "".join(
                part.content
                for part in token.children or ()
                if part.type in ("text", "code_inline")
            )
