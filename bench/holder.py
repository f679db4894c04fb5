"""A host that stands still in the middle of a refresh, and goes on when others are past it."""

import subprocess
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bench.fleets import GET, Fleet
from hexauth.sandbox.faults import parse
from tests.waiting import until

END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"


@dataclass(frozen=True)
class Stopped:
    """What became of a host that stood still, of the host beside it, and of the login."""

    codes: int
    refreshes: int
    twice: int
    """How many times a refresh token was sent that had been sent before."""
    exits: tuple[int, ...]
    newest_stays: bool
    """Whether what all hosts are answered in the end is the token that the server gave last."""

    @property
    def is_well(self) -> bool:
        """Whether nothing newer was overwritten, and the login is there."""
        return self.newest_stays and not self.codes


def stopped(fleet: Fleet, seconds: float, *, cut: bool, answered: bool = False) -> Stopped:
    """Let the first host stand still for `seconds` while its refresh token is on its way.

    Or, if it is `answered`, while the answer is. The second host wants a new token meanwhile. With
    `cut` the first one's connection ends as soon as it stands still.
    """
    first, second, *_ = fleet.hosts
    fleet.reject(fleet.run(first, *GET))
    before, sent = fleet.sandbox.journal.counts(), fleet.sandbox.twice
    running = stand_still(fleet, seconds, cut=cut, answered=answered)
    exits = tuple(each.wait(300) for each in running)
    until(lambda: fleet.connections().total() == 0, 60)
    after = fleet.sandbox.journal.counts()
    for host in (first, second):
        fleet.forget(host)
    answers = {fleet.run(host, *GET, "--no-login") for host in (first, second)}
    return Stopped(
        after["prompts"] - before["prompts"],
        after["refresh"] - before["refresh"],
        fleet.sandbox.twice - sent,
        exits,
        answers == {fleet.sandbox.newest},
    )


def stand_still(
    fleet: Fleet, seconds: float, *, cut: bool, answered: bool
) -> "Iterable[subprocess.Popen[Any]]":
    """Start a refresh on both hosts, the second while the first one stands still."""
    first, second, *_ = fleet.hosts
    refreshes = fleet.sandbox.journal.counts()["refresh"]
    options = {
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "env": {"HEX_HTTP_TIMEOUT": "600"},
    }
    on_its_way = threading.Event()
    if answered:
        fleet.sandbox.faults.add(parse("slow:1@refresh"))
    else:
        fleet.sandbox.delay = on_its_way
    holder = fleet.start(first, *GET, "--no-login", **options)
    until(lambda: fleet.sandbox.journal.counts()["refresh"] > refreshes)
    first.pause()
    begin = time.monotonic()
    try:
        if cut:
            fleet.postgres.sql(END, values=[first.name])
        other = fleet.start(second, *GET, "--no-login", **options)
        time.sleep(max(0.0, begin + seconds - time.monotonic()))
    finally:
        first.resume()
        on_its_way.set()
    return holder, other
