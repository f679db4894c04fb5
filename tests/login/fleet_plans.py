"""The plans: what happens, before which step of whom, and when the other host begins."""

from collections.abc import Iterator, Mapping

from tests.login.fleet_database import AWAY, CUT, GONE, LOST, RESTART
from tests.login.fleet_model import Fleet, Walk
from tests.login.fleet_server import MUTE, REFUSED
from tests.login.fleet_stage import CRASH, DEATH, PAUSE, SWITCH, Event

OF_SERVER = (REFUSED, MUTE)

KINDS: Mapping[str, str] = {
    CUT: "the connection ends before it",
    LOST: "the connection ends after it, its answer unheard",
    RESTART: "the database is restarted",
    AWAY: "the database is away for 10 seconds",
    GONE: "the database is away until all have ended",
    PAUSE: "the host stops until the other one has ended",
    DEATH: "the host is gone for good, with its memory",
    CRASH: "the process is killed, and another one comes on its host",
    REFUSED: "the server is not reached",
    MUTE: "the server has done it, and its answer is lost",
}
"""What can happen at a step, in the words of the page."""

UNSEEN = ("connect", "begin")
"""Steps that nobody else can tell were done or not: a switch before the next one is the same."""


def happens(what: str, step: str) -> bool:
    """Tell whether something can happen at a step."""
    is_sent = step.startswith("send ")
    is_heard = step.startswith("hear ")
    if what in OF_SERVER:
        return is_sent if what == REFUSED else is_heard
    if what in (LOST, CUT):
        return not (is_sent or is_heard) if what == LOST else step != "connect"
    return True


def switches(fleet: Fleet, job: str, depth: int) -> Iterator[Walk]:
    """Walk every order of the steps of two hosts with at most `depth` changes before an end."""
    yield from _deeper(fleet, job, (), depth)


def _deeper(fleet: Fleet, job: str, plan: tuple[Event, ...], depth: int) -> Iterator[Walk]:
    walk = fleet.walk(job, *plan)
    yield walk
    if depth == 0:
        return
    host = "AB"[len(plan) % 2]
    begin = max([event.step + 1 for event in plan if event.host == host], default=0)
    for number, step in enumerate(walk.steps[host]):
        if number >= begin and step not in UNSEEN:
            yield from _deeper(fleet, job, (*plan, Event(host, number, SWITCH)), depth - 1)


def troubles(fleet: Fleet, job: str, what: str, *, is_whole: bool = False) -> Iterator[Walk]:
    """Walk it before each step of A; B begins then, and when A waits or has ended.

    The whole walk goes before each that only reads, too, and lets B begin before each step of A.
    """
    for number, step in enumerate(fleet.steps(job)):
        if not happens(what, step) or not (is_whole or is_seen(step)):
            continue
        event = Event("A", number, what)
        alone = fleet.walk(job, event)
        yield alone
        if what in (PAUSE, DEATH):
            continue
        for begin, other in enumerate(alone.steps["A"]) if is_whole else ((number, step),):
            if other not in UNSEEN:
                yield fleet.walk(job, Event("A", begin, SWITCH), event)


def is_seen(step: str) -> bool:
    """Tell whether others can tell that a step was done."""
    return not step.startswith("read ") and step not in UNSEEN and not step.endswith(" probe")


def column(fleet: Fleet, job: str, what: str) -> Mapping[int, str]:
    """Return what it ends in, before each step; a letter for each end. Nothing if nothing can be.

    Raises `AssertionError` for what must not be.
    """
    found: dict[int, set[str]] = {}
    for walk in troubles(fleet, job, what):
        assert not walk.faults(), (walk.plan, walk.faults())
        found.setdefault(walk.plan[-1].step, set()).add(walk.end)
    return {step: " ".join(sorted(ends)) for step, ends in found.items()}
