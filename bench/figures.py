"""What is claimed of the programs: how each figure is computed, and its limit."""

import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bench.crowds import HITS, REFRESH
from bench.measure import Program
from bench.programs import BARE, HIT


@dataclass(frozen=True)
class Found:
    """What a run has measured, each by its name."""

    programs: Mapping[str, Program]
    """Those of one interleaved run."""
    crowds: Mapping[str, list[float]]
    """The milliseconds of each repetition; all crowds have one size."""
    alone: Mapping[str, float]
    """What is compared with nothing."""


Way = Callable[[Found], float | None]
"""Computes a figure; None if a program is not installed."""


@dataclass(frozen=True)
class Figure:
    """A claim; `{size}` in its text stands for the size of the crowds."""

    what: str
    way: Way
    limit: float
    more: bool = False
    """Whether more is better."""


def ratio(name: str, base: str, what: str = "wall") -> Way:
    """Compare a program with another one, round by round."""

    def way(found: Found) -> float | None:
        known = name in found.programs and base in found.programs
        return found.programs[name].ratio(found.programs[base], what) if known else None

    return way


def over_bare(crowds: Mapping[str, list[float]], name: str) -> float:
    """Return the median of the repetitions' ratios of a crowd to as many bare interpreters."""
    pairs = zip(crowds[name], crowds[BARE], strict=True)
    return statistics.median(took / bare for took, bare in pairs)


def crowd(name: str) -> Way:
    """Compare a crowd with as many bare interpreters."""
    return lambda found: over_bare(found.crowds, name)


def alone(name: str) -> Way:
    """Take what was measured as it is."""
    return lambda found: found.alone[name]


def _memory(found: Found) -> float:
    hit, bare = found.programs[HIT], found.programs[BARE]
    return (hit.memory - bare.memory) / 1024


def _rejected(found: Found) -> float:
    late = statistics.median(found.crowds[REFRESH])
    return late / (2 * statistics.median(found.crowds[BARE]) + 500)


WITH_PASSWORD, FILL = "stored password, Secret Service", "git credential fill"

FIGURES = (
    Figure("hit / python -c pass, wall", ratio(HIT, BARE), 0.95),
    Figure("hit / python -c pass, CPU", ratio(HIT, BARE, "cpu"), 0.95),
    Figure("hit / secret-tool lookup", ratio(HIT, "secret-tool lookup"), 0.85),
    Figure(f"{FILL}, hexauth / libsecret", ratio(f"{FILL}, hexauth", f"{FILL}, libsecret"), 0.85),
    Figure("keyring get / hit", ratio("keyring get", HIT), 15, more=True),
    Figure("{size} hits at once / {size} x python -c pass", crowd(HITS), 0.95),
    Figure(
        "stored token, cache empty, Secret Service / keyring get",
        ratio("the same from the Secret Service", "keyring get"),
        0.75,
    ),
    Figure("a waiter's wake-up after a release, ms", alone("wake-up"), 5),
    Figure("a hit's memory beyond python -c pass, MiB", _memory, 1),
    Figure("{size} with a rejected token / (2 x {size} x python -c pass + 0.5 s)", _rejected, 1),
    Figure(
        f"{WITH_PASSWORD} / git-credential-libsecret",
        ratio(WITH_PASSWORD, "git-credential-libsecret"),
        1.2,
    ),
    Figure(f"{WITH_PASSWORD} / python -c pass", ratio(WITH_PASSWORD, BARE), 1.3),
    Figure(
        f"{FILL}, stored password, hexauth / libsecret",
        ratio(f"{FILL}, hexauth, stored password", f"{FILL}, libsecret"),
        1.15,
    ),
    Figure(
        "docker-credential-hexauth get / docker-credential-secretservice",
        ratio("docker-credential-hexauth get", "docker-credential-secretservice"),
        1.1,
    ),
    Figure(
        "stored password, file vault / python -c pass",
        ratio("stored password, file vault", BARE),
        1.3,
    ),
    Figure(
        "token, memory empty, Secret Service / python -c pass",
        ratio("the same, memory empty", BARE),
        2,
    ),
    *(
        Figure(f"{{size}} {who}, {vault} / {{size}} x python -c pass", crowd(f"{name}, {vault}"), 2)
        for who, name in (
            ("waiters of a refresh that met a 503", "a refresh that met a 503"),
            ("callers, nobody logged in, may not ask", "nobody logged in"),
        )
        for vault in ("Secret Service", "file vault")
    ),
    *(
        Figure(
            f"hexauth login, {vault}: from the start to the code, beyond the server's answer, ms",
            alone(f"login, {vault}"),
            150,
        )
        for vault in ("Secret Service", "file vault")
    ),
)


def table(found: Found, size: int) -> Iterator[str]:
    """Yield the lines that compare each figure with its limit."""
    yield "| figure | found | limit | |"
    yield "| --- | --- | --- | --- |"
    for figure in FIGURES:
        what, value = figure.what.format(size=size), figure.way(found)
        if value is None:
            yield f"| {what} | | | a peer is not installed |"
            continue
        met = value >= figure.limit if figure.more else value <= figure.limit
        sign = "≥" if figure.more else "≤"
        yield f"| {what} | {value:.2f} | {sign} {figure.limit:g} | {'met' if met else 'MISSED'} |"
