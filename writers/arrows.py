"""Arrows between cards on floors: which are drawn, where each runs, how much they cross."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, count, pairwise

from writers.drawing import GAP, Card, Point
from writers.house import Arrow

Cards = Mapping[str, Card]


def thinned(arrows: Iterable[Arrow]) -> list[Arrow]:
    """Return `arrows` without those that lead where others lead too, over more rooms."""
    below: dict[str, set[str]] = {}
    for up, low in arrows:
        below.setdefault(up, set()).add(low)

    def reached(room: str) -> set[str]:
        return set().union(*({low} | reached(low) for low in below.get(room, ())))

    return [
        (up, low)
        for up, lows in sorted(below.items())
        for low in sorted(lows)
        if not any(low in reached(other) for other in lows)
    ]


def paths(cards: Cards, arrows: Iterable[Arrow]) -> list[list[Point]]:
    """Return where each arrow runs: one that passes floors by runs along a side."""
    used: Counter[tuple[str, bool, int]] = Counter()

    def corner(card: Card, side: int, *, below: bool) -> Point:
        """Return the next free place at a corner of `card`, the first the farthest out."""
        inset = 24 + 20 * used[card.title, below, side]
        used[card.title, below, side] += 1
        return card.middle + side * (card.width / 2 - inset), card.bottom if below else card.y

    pairs = [(cards[up], cards[low]) for up, low in arrows]
    pairs.sort(key=lambda pair: pair[1].y - pair[0].y)
    lanes = _lanes(cards, pairs)

    def path(up: Card, low: Card) -> list[Point]:
        left, right = max(up.x, low.x), min(up.right, low.right)
        lane = lanes.get((up.title, low.title))
        if lane is not None:
            side = 1 if lane > up.middle else -1
            start, end = corner(up, side, below=True), corner(low, side, below=False)
            return [start, (lane, start[1] + GAP), (lane, end[1] - GAP), end]
        if left < right:
            return [((left + right) / 2, up.bottom), ((left + right) / 2, low.y)]
        side = 1 if up.x < low.x else -1
        return [corner(up, side, below=True), corner(low, -side, below=False)]

    return [path(*pair) for pair in reversed(pairs)]  # lanes farther out start farther out


def _lanes(cards: Cards, pairs: Iterable[tuple[Card, Card]]) -> Mapping[Arrow, float]:
    """Return at which x each arrow that passes floors by runs down, the shortest innermost."""
    left = min(card.x for card in cards.values())
    right = max(card.right for card in cards.values())
    center = (left + right) / 2
    busy: dict[float, set[float]] = {}
    found: dict[Arrow, float] = {}
    for up, low in pairs:
        passed = {card.y for card in cards.values() if up.y < card.y < low.y}
        is_left = (round(low.middle - center) or round(up.middle - center)) < 0
        outwards = (left - 20 - 14 * n if is_left else right + 20 + 14 * n for n in count())
        if passed:
            x = next(x for x in outwards if not busy.get(x, set()) & passed)
            busy[x] = busy.get(x, set()) | passed
            found[up.title, low.title] = x
    return found


def tangle(paths: Sequence[Sequence[Point]]) -> tuple[int, float]:
    """Return how many arrows cross, and how far they run sideways."""
    pieces = [list(pairwise(path)) for path in paths]
    crossings = sum(
        _cross(*one, *two) for a, b in combinations(pieces, 2) for one in a for two in b
    )
    return crossings, sum(abs(p[0] - q[0]) for path in pieces for p, q in path)


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    def side(p: Point, q: Point, r: Point) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0
