"""The pictures of docs/design.md, drawn from the imports: the rooms, and the way of a `get`."""

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise, permutations, product
from pathlib import Path

from writers.arrows import Cards, paths, tangle, thinned
from writers.drawing import GAP, PAD, Card, Drawing, width
from writers.generated import differing
from writers.house import House
from writers.uses import Uses

WIDTH, MARGIN, TOP = 900, 64, 24
"""Of a page: its width, and what is left at its sides and at its top."""

STEP, BESIDE = 28, 20
"""What is left between steps, and between cards beside each other."""

HEAD, ROW, INDENT = 56, 24, 28
"""Of the table of sources: the height of its head and of a row, and the place of its numbers."""

INNER = WIDTH - 2 * MARGIN

GROUND = "The ground: everything above may import it."
LEGEND = (
    "Arrows point at what is imported. "
    "Small print: what arrows imply, and imports of and by the ground."
)
DOTS = (
    "A dot: the source names this module of another room, or what it calls in credentials does. "
    "The ground is left out."
)

TYPED = "hexauth get TARGET, or git-credential-hexauth get, which git runs"
WAY = ("hot", "__main__", "cli.answer", "credentials.request", "credentials.sources")
"""The modules that a `get` comes through, until one has the answer."""

Texts = Mapping[str, tuple[str, str]]
"""The purpose of each room, and what else it imports."""


Sources = Mapping[str, set[str]]
"""What `--explain` calls each source, and the modules of other rooms that it uses."""

Columns = dict[str, tuple[float, float]]
"""Where the column of each module begins and ends."""


def pictures() -> Mapping[str, str]:
    """Return every picture: its path from the project's root, and its SVG."""
    house = House()
    return {"docs/house.svg": rooms(house), "docs/get.svg": way(house)}


def outdated(root: Path) -> list[str]:
    """Return the names of the pictures below `root` that are missing, or old."""
    return differing(root, pictures())


def rooms(house: House) -> str:
    """Draw the rooms on their floors; small print says what no arrow shows."""
    ground, *floors = house.floors()
    doors = sorted({*map(house.room, house.trees)} - {"", *house.rooms, *ground})
    rows = [row for row in (doors, *reversed(floors)) if row]
    known = [name for row in (*rows, ground) for name in row]
    arrows = house.arrows()
    above = {*known} - {*ground}
    drawn = thinned((up, low) for up, low in arrows if up in above and low in house.rooms)
    texts = {
        up: (
            house.purpose(f"{house.package}.{up}"),
            ", ".join(low for low in known if (up, low) in arrows and (up, low) not in drawn),
        )
        for up in known
    }
    layouts = [_placed(order, texts) for order in product(*map(permutations, rows))]
    cards = min(layouts, key=lambda cards: tangle(paths(cards, drawn)))
    drawing = Drawing("The rooms of the package, and which imports which", WIDTH)
    for path in paths(cards, drawn):
        drawing.arrow(path)
    bottom = max(card.bottom for card in cards.values()) + GAP
    stones = _row(ground, texts, bottom + 34, MARGIN + PAD, INNER - 2 * PAD)
    end = max(card.bottom for card in stones) + PAD
    drawing.box("band", MARGIN, bottom, INNER, end - bottom)
    drawing.text((MARGIN + PAD, bottom + 22), GROUND, "faint")
    for card in (*cards.values(), *stones):
        drawing.card(card)
    return drawing.svg(drawing.footnote((MARGIN, end + 26), LEGEND, INNER))


def _placed(rows: Iterable[Sequence[str]], texts: Texts) -> Cards:
    """Return the card of each room, the rows one below the other."""
    found: dict[str, Card] = {}
    top: float = TOP
    for row in rows:
        cards = _row(row, texts, top, MARGIN, INNER)
        found |= {card.title: card for card in cards}
        top = cards[0].bottom + GAP
    return found


def _row(names: Sequence[str], texts: Texts, top: float, left: float, inner: float) -> list[Card]:
    """Return cards beside each other, all as high as the highest."""
    share = (inner + BESIDE) / len(names)
    cards = [
        Card(name, *texts[name], left + number * share, top, share - BESIDE)
        for number, name in enumerate(names)
    ]
    least = max(card.height for card in cards)
    return [replace(card, least=least) for card in cards]


def sources(house: House) -> Sources:
    """Return the sources in their order, each with the modules of other rooms that it uses."""
    module = f"{house.package}.credentials.sources"
    (table,) = (
        node.value
        for node in house.trees[module].body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "SOURCES"
    )
    uses = Uses(house, "credentials")
    pairs = [pair.elts for pair in getattr(table, "elts", []) if isinstance(pair, ast.Tuple)]
    used = {ast.literal_eval(name): uses.of(module, ast.unparse(source)) for name, source in pairs}
    return {
        name: {each for each in modules if house.room(each) in house.rooms}
        for name, modules in used.items()
    }


def way(house: House) -> str:
    """Draw what a `get` comes through, from what was typed to what is written."""
    found = sources(house)
    columns = _columns(house, found)
    inner = max(INNER, max(end for _, end in columns.values()) + PAD - MARGIN)
    typed = Card("what was typed", TYPED, "", MARGIN, TOP, inner)
    steps = [typed]
    for name in WAY:
        text = house.purpose(f"{house.package}.{name}")
        steps.append(Card(name, text, "", MARGIN, steps[-1].bottom + STEP, inner))
    _, hot, *_, asked = steps
    steps[-1] = table = replace(asked, least=asked.height + HEAD + ROW * len(found))
    formats = _formats(house, table)
    written = Card("standard output", "", "", MARGIN, formats[0].bottom + STEP, inner)

    drawing = Drawing("The way of a get, from the words to the answer", inner + 2 * MARGIN)
    for up, low in [*pairwise(steps), *((each, written) for each in formats)]:
        drawing.arrow([(up.middle, up.bottom), (up.middle, low.y)])
    for each in formats:
        drawing.arrow([(each.middle, table.bottom), (each.middle, each.y)])
    start, end = (hot.right - 24, hot.bottom), (hot.right - 24, written.y)
    lane = hot.right + 20
    drawing.arrow([start, (lane, hot.bottom + GAP), (lane, written.y - GAP), end])
    drawing.text((hot.right - 36, hot.bottom + 19), "a hit", "faint", "end")
    drawing.text((hot.middle + 12, hot.bottom + 19), "a miss", "faint")
    drawing.text((table.x + PAD, table.bottom + 25), "the credential", "faint")
    for card in (*steps[1:], *formats):
        drawing.card(card)
    drawing.card(typed, "band")
    drawing.card(written, "band")
    _table(drawing, asked, found, columns)
    return drawing.svg(drawing.footnote((MARGIN, written.bottom + 26), DOTS, inner))


def _formats(house: House, above: Card) -> list[Card]:
    """Return the cards of the protocols that render a credential, below the sources."""
    used = sorted(house.neighbors(f"{house.package}.cli.answer"))
    names = [name for name in used if house.room(name) == "protocols"]
    texts = {name.partition(".")[2]: (house.purpose(name), "") for name in names}
    return _row([*texts], texts, above.bottom + GAP, above.x, above.width)


def _columns(house: House, found: Sources) -> Columns:
    """Return each module that a source uses, and where its column begins and ends."""
    rooms = [room for floor in reversed(house.floors()) for room in floor]
    used = sorted({each for modules in found.values() for each in modules})
    used.sort(key=lambda module: rooms.index(house.room(module)))
    names = max(width(name, "label") for name in found)
    widths = (width(_tail(module), "faint") + 8 for module in used)
    ends = accumulate(widths, initial=MARGIN + PAD + INDENT + names)
    return dict(zip(used, pairwise(ends), strict=True))


def _table(drawing: Drawing, card: Card, found: Sources, columns: Columns) -> None:
    """Draw a line for each source, and a dot where it uses a module, below the text of `card`."""
    left, right, top = card.x + PAD, card.right - PAD, card.bottom
    slack = right - max(end for _, end in columns.values())
    for module, (start, end) in columns.items():
        drawing.text((slack + (start + end) / 2, top + 28), _tail(module), "faint", "middle")
    first = {module.split(".")[1]: start for module, (start, _) in reversed(columns.items())}
    for room, start in first.items():
        drawing.text((slack + start + 4, top + 10), room, "label")
    for number, (name, used) in enumerate(found.items(), 1):
        y = top + HEAD + ROW * (number - 1)
        drawing.rule((left, y - 16), right - left)
        drawing.text((left + INDENT - 10, y), f"{number}", "faint", "end")
        drawing.text((left + INDENT, y), name, "label")
        for start, end in (columns[module] for module in sorted(used)):
            drawing.dot((slack + (start + end) / 2, y - 4))


def _tail(module: str) -> str:
    return module.rpartition(".")[2]
