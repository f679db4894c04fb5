"""A manual page as plain text, where there is no man: the part of man(7) that hexauth writes."""

import re
from collections.abc import Iterator

from hexauth.screen.layout import cells, padded, wrapped

WIDE = 60
"""From how many columns on a page is indented as man does it."""

LONGEST = 100
"""The longest line that reads well."""

SIGNS = {
    "\\-": "-",
    "\\e": "\\",
    "\\&": "",
    "\\(ti": "~",
    "\\(ha": "^",
    "\\(aq": "'",
    "\\(ga": "`",
    "\\(dq": '"',
}
"""What the escapes stand for; those of fonts stand for nothing."""


def rendered(source: str, columns: int) -> list[str]:
    """Return the page `source`, in the language of man(7), in lines for so many columns."""
    page = _Page(min(columns, LONGEST))
    for line in source.splitlines():
        page.take(line)
    page.end_paragraph()
    return page.lines


def plain(text: str) -> str:
    """Return what escapes make of `text`."""
    return re.sub(r"\\(?:f[BIR]|\((?:..)|.)", lambda found: SIGNS.get(found[0], ""), text)


class _Page:
    """The lines so far, and what the next one continues."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.step = 7 if width >= WIDE else 3
        self.lines: list[str] = []
        self._words: list[str] = []
        self._tag = ""
        self._margin = self._base = self.step
        self._is_tag = self._is_literal = False

    def take(self, line: str) -> None:
        """Take a line of the source."""
        request = re.match(r"\.([A-Za-z]+) ?(.*)", line)
        if request is not None:
            self._do(request[1], request[2])
        elif self._is_literal:
            self.lines.append(f"{' ' * self._margin}{plain(line)}".rstrip())
        elif self._is_tag:
            self._tag, self._is_tag = plain(line), False
        else:
            self._words.append(plain(line))

    def end_paragraph(self) -> None:
        """Lay out what has come together: the words, behind their tag if there is one."""
        text, self._words = " ".join(self._words), []
        tag, self._tag = self._tag, ""
        if not text and not tag:
            return
        first = " " * self._margin
        if tag:
            head = f"{' ' * (self._margin - self.step)}{tag}"
            if cells(head) < self._margin - 1 and text:
                first = padded(head, self._margin)
            else:
                self.lines += self._tagged(head)
        if text:
            self.lines += wrapped(text, self.width, first, " " * self._margin)

    def _tagged(self, head: str) -> Iterator[str]:
        """Yield a tag on lines of its own."""
        start = " " * (len(head) - len(head.lstrip()))
        yield from wrapped(head.strip(), self.width, start, start + "  ")

    def _do(self, name: str, words: str) -> None:
        if name == "B":
            self._words.append(plain(words))
            return
        if name in ("nh", "ad"):
            return
        self.end_paragraph()
        match name:
            case "TH":
                found = re.findall(r'"([^"]*)"|(\S+)', words)
                called, section, date, source = (quoted or bare for quoted, bare in found[:4])
                title = f"{called}({section})  {source}  {date}"
                self.lines += [title] if cells(title) <= self.width else title.split("  ")
            case "SH" | "SS":
                self._base = self._margin = self.step
                self.lines += ["", " " * (3 * (name == "SS")) + plain(words)]
            case "PP":
                self._margin = self._base
                self._gap()
            case "TP":
                self._margin, self._is_tag = self._base + self.step, True
                self._gap()
            case "RS":
                self._base += int(words or self.step)
                self._margin = self._base
            case "RE":
                self._base = self._margin = self.step
            case "nf" | "fi":
                self._is_literal = name == "nf"

    def _gap(self) -> None:
        """Leave a line free, unless a heading stands there."""
        is_below_heading = bool(self.lines) and not self.lines[-1].startswith(" " * self.step)
        if self.lines and self.lines[-1] and not is_below_heading:
            self.lines.append("")
