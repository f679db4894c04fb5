"""A fleet whose processes are killed, and whose database is restarted, at any moment of a refresh.

Run as a program, it repeats that: `sh scripts/fleet-kill 1000 100`. The login must outlive it, with
nobody asked a second time and no spent refresh token sent again.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import click

from bench.fleets import GET, Fleet
from bench.host import Host
from hexauth.sandbox.options import Options
from tests.processes import ended, send
from tests.waiting import until

AT_ONCE = 4
"""How many processes run at once, each on any host; this machine may have two cores."""

TOKEN_SECONDS = 0.5
"""How long an access token lives: nearly every process needs a new one."""

REFRESH_SECONDS = 1.0
"""About how long a refresh takes among as many others, until some have been measured."""

FINE = {0, 6, 7, -signal.SIGKILL, 128 + signal.SIGKILL}
"""How a process may end: with a token, told that a server or the database is away, or killed."""


@dataclass
class Seen:
    """What was done to a fleet, and what is wrong afterwards."""

    kills: int = 0
    restarts: int = 0
    power_cuts: int = 0
    """How many hosts have lost all their processes, and what was in memory, at once."""
    ends: Counter[int] = field(default_factory=Counter)
    """How many processes have ended with each exit code."""
    codes: int = 0
    """How many codes the person was asked to approve, beside the first."""
    refreshes: int = 0
    twice: int = 0
    """How many times a refresh token was sent that had been sent before."""
    lost: int = 0
    """How many hosts have no login in the end."""
    wrong: list[str] = field(default_factory=list)


@dataclass
class Killer:
    """Keeps some processes running that refresh, and kills some of them, in `fleet`."""

    fleet: Fleet
    chance: random.Random
    seen: Seen
    errors: IO[bytes]
    running: "list[tuple[Host, subprocess.Popen[Any], float, float]]" = field(default_factory=list)
    """Where each runs, when it has begun, and when it is to be killed (monotonic seconds)."""
    length: float = REFRESH_SECONDS
    """How many seconds those took lately that were not killed."""

    def work(self, kills: int, restarts: int) -> None:
        """Kill so many processes, and restart the database so many times meanwhile."""
        pauses = sorted(self.chance.uniform(0, kills) for _ in range(restarts))
        while self.seen.kills < kills or pauses:
            self._fill()
            self._kill_what_is_due()
            if pauses and self.seen.kills >= min(pauses[0], kills):
                pauses.pop(0)
                time.sleep(self.chance.uniform(0, self.length))
                self.fleet.postgres.restart("immediate")
                self.seen.restarts += 1
            time.sleep(0.005)

    def _fill(self) -> None:
        while len(self.running) < AT_ONCE:
            host = self.chance.choice(list(self.fleet.hosts))
            out = {"stdout": subprocess.DEVNULL, "stderr": self.errors}
            process = self.fleet.start(host, *GET, "--no-login", **out)
            begin = time.monotonic()
            due = begin + self.chance.uniform(0, 1.5 * self.length)
            self.running.append((host, process, begin, due))

    def _kill_what_is_due(self) -> None:
        for each in list(self.running):
            host, process, begin, due = each
            is_over, now = process.poll() is not None, time.monotonic()
            if is_over:
                self.length += (now - begin - self.length) / 10
            elif now < due:
                continue
            else:
                host.signal(process, signal.SIGKILL)
                process.wait(60)
                self.seen.kills += 1
            self.seen.ends[process.returncode] += 1
            self.running.remove(each)

    def cut_power(self, times: int) -> None:
        """Kill everything that runs on a host at once, its memory included; it starts anew."""
        for _ in range(times):
            self._fill()
            time.sleep(self.chance.uniform(0, self.length))
            host = self.chance.choice([host for host, *_ in self.running])
            end(host)
            self.fleet.forget(host)
            self.seen.power_cuts += 1
            self.running = [each for each in self.running if each[0] is not host]

    def finish(self) -> None:
        """Wait for what still runs, and for what goes on after it."""
        for _, process, *_ in self.running:
            self.seen.ends[process.wait(300)] += 1
        self.running.clear()
        until(lambda: not any(map(theirs, self.fleet.hosts)), 300, pause=0.2)


def end(host: Host) -> None:
    """Kill all of hexauth's processes on a host, those that outlive others too."""

    def over() -> bool:
        pids = theirs(host)
        send(signal.SIGKILL, pids)
        return not pids

    until(over)


def theirs(host: Host) -> list[int]:
    """Return the ids of hexauth's processes on a host."""
    return [pid for pid in host.pids() if is_hexauth(pid) and not ended([pid])]


def is_hexauth(pid: int) -> bool:
    """Tell whether a process runs hexauth."""
    with suppress(OSError):
        return b"hexauth\0get" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def survive(
    seed: int, hosts: int, kills: int, restarts: int, power_cuts: int = 0, *, separate: bool = True
) -> Seen:
    """Kill processes of a fleet at moments that `seed` gives, and look at what is left."""
    chance, seen = random.Random(seed), Seen()
    options = Options(interval=0.1, rate_limit=None, token_ttl=TOKEN_SECONDS)
    with (
        tempfile.TemporaryFile() as errors,
        Fleet(hosts, options, separate=separate) as fleet,
    ):
        fleet.log_in()
        killer = Killer(fleet, chance, seen, errors)
        killer.work(kills, restarts)
        killer.cut_power(power_cuts)
        killer.finish()
        inspect(fleet, seen)
        errors.seek(0)
        said = Counter(errors.read().decode(errors="replace").splitlines())
        seen.wrong += [f"{n} times {line}" for line, n in said.most_common(8)] if seen.wrong else []
    return seen


def inspect(fleet: Fleet, seen: Seen) -> None:
    """Note what is wrong with the fleet, whose tokens now live long."""
    time.sleep(4 * TOKEN_SECONDS)
    fleet.sandbox.hexpm.options = replace(fleet.sandbox.options, token_ttl=1800)
    counts = fleet.sandbox.journal.counts()
    seen.codes, seen.refreshes = counts["prompts"] - 1, counts["refresh"]
    seen.twice = fleet.sandbox.twice
    answers = Counter[str]()
    for host in fleet.hosts:
        fleet.forget(host)
        done = host.run([fleet.program, *GET, "--no-login"], seconds=300)
        seen.lost += done.returncode != 0
        answers[done.stdout.decode()] += 1
    if len(answers) != 1:
        seen.wrong.append(f"hosts have {len(answers)} different tokens: {[*answers.values()]}")
    if seen.codes or seen.lost or seen.twice:
        seen.wrong.append(
            f"{seen.codes} more codes, {seen.lost} hosts without a login,"
            f" {seen.twice} refresh tokens sent twice"
        )
    if not set(seen.ends) <= FINE:
        seen.wrong.append(f"exit codes {dict(seen.ends)}")


def main() -> None:
    """Kill and restart as often as is told, in rounds; print the seed of each that goes wrong."""
    parser = argparse.ArgumentParser(prog="scripts/fleet-kill", description=__doc__)
    parser.add_argument("kills", type=int, nargs="?", default=1000)
    parser.add_argument("restarts", type=int, nargs="?", default=100)
    parser.add_argument("seed", type=int, nargs="?", default=random.randrange(10**6))
    parser.add_argument("--hosts", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--power-cuts", type=int, default=0, help="in each round")
    chosen = parser.parse_args()
    total, wrong = Seen(), 0
    for turn in range(chosen.rounds):
        kills, restarts = (
            each // chosen.rounds + (turn < each % chosen.rounds)
            for each in (chosen.kills, chosen.restarts)
        )
        seen = survive(chosen.seed + turn, chosen.hosts, kills, restarts, chosen.power_cuts)
        if seen.wrong:
            wrong += 1
            click.echo(f"seed {chosen.seed + turn}: {'; '.join(seen.wrong)}")
        for name in ("kills", "restarts", "power_cuts", "codes", "refreshes", "twice", "lost"):
            setattr(total, name, getattr(total, name) + getattr(seen, name))
        total.ends += seen.ends
    click.echo(
        f"{chosen.rounds} rounds from seed {chosen.seed}, {chosen.hosts} hosts:"
        f" {total.kills} kills, {total.restarts} restarts,"
        f" {total.power_cuts} power cuts, {total.refreshes} refreshes;"
        f" {total.lost} lost logins, {total.codes} second codes,"
        f" {total.twice} spent refresh tokens sent twice."
    )
    click.echo(f"Exit codes: {dict(sorted(total.ends.items()))}; {wrong} rounds went wrong.")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
