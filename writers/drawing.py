"""Plain drawings: cards with text, and arrows between them, as SVG that is light or dark."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from textwrap import wrap

Point = tuple[float, float]

STYLE = """
text { font-family: sans-serif; font-size: 12px; fill: #4a463f }
.title { font-size: 15px; font-weight: bold; fill: #1f1d1a }
.label { font-size: 12px; font-weight: bold; fill: #1f1d1a }
.faint { font-size: 11px; fill: #6f6a60 }
.page { fill: #faf8f5 }
.band { fill: #f0ece5 }
.card { fill: #ffffff; stroke: #cfc8bc }
.arrow { fill: none; stroke: #6b5b95; stroke-width: 1.5 }
.head, .dot { fill: #6b5b95 }
.rule { stroke: #e6e0d6 }
@media (prefers-color-scheme: dark) {
text { fill: #c3beb5 }
.title, .label { fill: #f0ede8 }
.faint { fill: #9c968b }
.page { fill: #1c1b1a }
.band { fill: #242321 }
.card { fill: #2b2927; stroke: #4a4641 }
.arrow { stroke: #b3a4dd }
.head, .dot { fill: #b3a4dd }
.rule { stroke: #3a3733 }
}
"""

HEAD = (
    '<marker id="head" refX="7" refY="4" markerWidth="8" markerHeight="8" '
    'markerUnits="userSpaceOnUse" orient="auto"><path class="head" d="M0 0L8 4L0 8z"/></marker>'
)

SIZES = {"title": 15, "label": 12, "": 12, "faint": 11}
"""The size of each kind of text, as `STYLE` has it."""

LINE, PAD, GAP = 16, 14, 40
"""How high a line is; what is left inside a card, and below it for arrows to bend."""


def width(text: str, kind: str = "") -> float:
    """Return the room that `text` takes at most: fonts differ, and the widest are as wide."""
    return len(text) * SIZES[kind] * (0.68 if kind in ("title", "label") else 0.6)


def lines(text: str, room: float, kind: str = "") -> list[str]:
    """Return `text` in lines that fit into `room`, without the marks of code."""
    return wrap(text.replace("`", ""), max(1, int(room / width("x", kind))))


@dataclass(frozen=True)
class Card:
    """A box with a title, and a text below it; `x` and `y` are its upper left corner."""

    title: str
    text: str
    note: str
    """What is said in small print."""
    x: float
    y: float
    width: float
    least: float = 0
    """How high it is although its text needs less."""

    @property
    def rows(self) -> Sequence[tuple[str, str]]:
        """Each line below the title, after the kind of its text."""
        texts = ((self.text, ""), (self.note, "faint"))
        room = self.width - 2 * PAD
        return [(kind, line) for text, kind in texts for line in lines(text, room, kind)]

    @property
    def height(self) -> float:
        """How high it is."""
        return max(self.least, 40 + LINE * len(self.rows))

    @property
    def middle(self) -> float:
        """Where it is halfway from left to right."""
        return self.x + self.width / 2

    @property
    def right(self) -> float:
        """Where it ends, from left to right."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Where it ends, from top to bottom."""
        return self.y + self.height


class Drawing:
    """A page that fills up with what is drawn, and becomes SVG."""

    def __init__(self, title: str, width: float) -> None:
        self.title, self.width, self.parts = title, width, list[str]()

    def text(self, at: Point, text: str, kind: str = "", anchor: str = "start") -> None:
        """Write one line."""
        x, y = at
        self.parts.append(
            f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'
        )

    def box(self, kind: str, x: float, y: float, width: float, height: float) -> None:
        """Draw a box with round corners."""
        size = f'width="{width:g}" height="{height:g}"'
        self.parts.append(f'<rect class="{kind}" x="{x:g}" y="{y:g}" {size} rx="6"/>')

    def rule(self, at: Point, width: float) -> None:
        """Draw a thin line to the right."""
        x, y = at
        self.parts.append(f'<path class="rule" d="M{x:g} {y:g}h{width:g}"/>')

    def dot(self, at: Point) -> None:
        """Draw a dot."""
        x, y = at
        self.parts.append(f'<circle class="dot" cx="{x:g}" cy="{y:g}" r="4"/>')

    def card(self, card: Card, box: str = "card") -> None:
        """Draw a card."""
        self.box(box, card.x, card.y, card.width, card.height)
        self.text((card.x + PAD, card.y + 24), card.title, "title")
        for number, (kind, line) in enumerate(card.rows, 1):
            self.text((card.x + PAD, card.y + 26 + LINE * number), line, kind)

    def arrow(self, points: Sequence[Point]) -> None:
        """Draw an arrow through `points` that is upright at each."""
        path = "M{:g} {:g}".format(*points[0])
        for (x, y), (to_x, to_y) in pairwise(points):
            bend = (y + to_y) / 2
            path += f"C{x:g} {bend:g} {to_x:g} {bend:g} {to_x:g} {to_y:g}"
        self.parts.append(f'<path class="arrow" d="{path}" marker-end="url(#head)"/>')

    def footnote(self, at: Point, text: str, room: float) -> float:
        """Write small print in lines that fit into `room`; return where the page may end."""
        x, y = at
        rows = lines(text, room, "faint")
        for number, line in enumerate(rows):
            self.text((x, y + LINE * number), line, "faint")
        return y + LINE * len(rows) + 4

    def svg(self, height: float) -> str:
        """Return the page, `height` high."""
        size = f"{self.width:g} {height:g}"
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" role="img">',
                f"<title>{escape(self.title)}</title>",
                f"<style>{STYLE}</style>",
                HEAD,
                f'<rect class="page" width="{self.width:g}" height="{height:g}" rx="10"/>',
                *self.parts,
                "</svg>\n",
            ]
        )
