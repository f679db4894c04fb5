"""A host that stands still in the middle of a refresh, and goes on when others are past it."""

import subprocess
import time
from dataclasses import dataclass

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
    """Let the first host stand still for `seconds` before it sends its refresh token.

    Or, if it is `answered`, when the server has. The second host wants a new token meanwhile. With
    `cut` the first one's connection ends as soon as it stands still.
    """
    first, second, *_ = fleet.hosts
    fleet.reject(fleet.run(first, *GET))
    before, sent = fleet.sandbox.journal.counts(), fleet.sandbox.twice
    if answered:
        fleet.sandbox.faults.add(parse("slow:1@refresh"))
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with fleet.start(first, *GET, "--no-login", **quiet) as holder:
        if answered:
            until(lambda: fleet.sandbox.journal.counts()["refresh"] > before["refresh"])
        else:
            announced(fleet, first.name)
        first.pause()
        begin = time.monotonic()
        try:
            if cut:
                fleet.postgres.sql(END, values=[first.name])
            other = fleet.start(second, *GET, "--no-login", **quiet)
            time.sleep(max(0.0, begin + seconds - time.monotonic()))
        finally:
            first.resume()
        exits = tuple(each.wait(300) for each in (holder, other))
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


def announced(fleet: Fleet, name: str) -> None:
    """Wait until a host has said that it sends the refresh token, and is about to."""
    record = (
        "SELECT coalesce(max(version), 0) FROM hexauth.entry"
        " WHERE starts_with(name, 'record/') AND saved_as = %s AND name LIKE '%%token'"
    )

    def version() -> int:
        [(found,)] = fleet.postgres.sql(record, values=[name])
        return int(found)

    before = version()
    until(lambda: version() > before, pause=0)
