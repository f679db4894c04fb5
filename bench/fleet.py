"""Measure what a fleet of hosts costs whose vault is a PostgreSQL: `sh scripts/bench fleet`.

Everything happens on one machine: hosts are namespaces where root can make them, else homes.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.crew import Crews, Ended, crews
from bench.fleets import GET, Fleet
from bench.holder import Stopped, stopped
from bench.machine import facts
from bench.measure import Program, interleave
from hexauth.login.renewal import AWAITED_SECONDS
from hexauth.sandbox.options import Options
from tests.waiting import until

RESULTS = Path(__file__).with_name("FLEET.md")

HEARD = b"check that it shows the code"


@dataclass(frozen=True)
class Row:
    """What was measured, what was found, and the limit; `is_met` tells whether it keeps to it."""

    what: str
    found: str
    limit: str
    is_met: bool

    def __str__(self) -> str:
        return (
            f"| {self.what} | {self.found} | {self.limit} | {'met' if self.is_met else 'MISSED'} |"
        )


def counted(what: str, found: int, limit: int) -> Row:
    """Return the row of what must be exactly so many."""
    return Row(what, f"{found}", f"= {limit}", found == limit)


def timed(what: str, found: float, limit: float, unit: str) -> Row:
    """Return the row of what may be so much at most."""
    return Row(what, f"{found:.2f}{unit}", f"≤ {limit:.2f}{unit}", found <= limit)


def crowd(fleet: Fleet, crew: Crews, size: int, times: int) -> Iterator[Row]:
    """Measure hosts full of processes that find the token rejected, beside bare interpreters."""
    python = str(Path(sys.executable))
    bare, took, refreshes, tokens, most = [], [], [], [], 0
    token = fleet.log_in()
    for _ in range(times):
        bare.append(crew.run(python, "-c", "pass", size=size)[0])
        fleet.reject(token)
        before = fleet.sandbox.journal.counts()["refresh"]
        with fleet.watched() as connections:
            seconds, ended = crew.run(fleet.program, *GET, size=size)
        took.append(seconds)
        refreshes.append(fleet.sandbox.journal.counts()["refresh"] - before)
        tokens.append(new_tokens(ended, token))
        most = max([most, *connections.values()])
        token = ended.answers[0]
    everyone = size * len(fleet.hosts)
    what = f"{len(fleet.hosts)} hosts x {size} processes, token rejected"
    yield counted(f"{what}: refreshes at the server", max(refreshes), 1)
    yield counted(f"{what}: answers with the same new token", min(tokens), everyone)
    limit = 2 * statistics.median(bare) + 1
    yield timed(
        f"{what}: time; {everyone} bare interpreters take {statistics.median(bare):.2f} s",
        statistics.median(took),
        limit,
        " s",
    )
    yield Row("connections at the database in that crowd, a host", f"{most}", "≤ 2", most <= 2)


def new_tokens(ended: Ended, old: str) -> int:
    """Return how many answers are the same token, which is not the `old` one."""
    first = ended.answers[0]
    return 0 if first == old else sum(answer == first for answer in ended.answers)


def nobody(fleet: Fleet, crew: Crews) -> Iterator[Row]:
    """Measure hosts that wait for a login that a person approves on one of them."""
    fleet.log_out()
    for host in fleet.hosts:
        fleet.forget(host)
    before = fleet.sandbox.codes
    errors = [host.home / "errors" for host in fleet.hosts]
    with fleet.watched() as connections:
        crew.tell(fleet.program, *GET, "--login", errors=errors)
        until(lambda: all(each.exists() and HEARD in each.read_bytes() for each in errors), 300)
        waiting = fleet.connections()
        codes = fleet.sandbox.codes - before
        fleet.sandbox.approve()
        ended = crew.ended().checked()
    what = f"{len(fleet.hosts)} hosts, nobody logged in, the person approves on one"
    yield counted(f"{what}: codes", codes, 1)
    yield counted(f"{what}: answers", new_tokens(ended, ""), len(fleet.hosts))
    yield timed(f"{what}: from the save to the last", ended.last - fleet.saved_at(), 1, " s")
    most = max(connections.values())
    yield Row(
        f"connections at the database, a host, while it waits ({waiting.total()} for all)",
        f"{most}",
        "≤ 2",
        most <= 2,
    )
    until(lambda: fleet.connections().total() == 0, 60)
    time.sleep(1)
    yield counted("connections at the database, a second after", fleet.connections().total(), 0)


def warm(fleet: Fleet, rounds: int) -> Iterator[Row]:
    """Measure a `get` that memory answers, with this vault and with the file vault."""
    host = fleet.hosts[0]
    with tempfile.TemporaryDirectory(prefix="hx-bench-") as folder:
        elsewhere = {"HEXAUTH_HOME": f"{folder}/h", "HEXAUTH_VAULT": "file"}
        places = {"this": host.environ, "file": {**host.environ, **elsewhere}}
        python, one, other = (
            Program(name, words, environ)
            for name, words, environ in (
                ("python", [sys.executable, "-c", "pass"], host.environ),
                ("this", [fleet.program, *GET], places["this"]),
                ("file", [fleet.program, *GET], places["file"]),
            )
        )
        with subprocess.Popen(
            [fleet.program, "login", "--no-browser"], env=other.environ, stderr=subprocess.DEVNULL
        ) as login:
            before = fleet.sandbox.codes
            until(lambda: fleet.sandbox.codes > before or login.poll() is not None)
            fleet.sandbox.approve()
        subprocess.run(one.words, env=one.environ, check=True, capture_output=True)
        interleave([python, one, other], rounds)
    here, there = (statistics.median(each.wall) for each in (one, other))
    what = f"warm `get`, {here:.2f} ms / with the file vault, {there:.2f} ms"
    yield timed(what, one.ratio(other), 1.05, "")


def holders(fleet: Fleet, seconds: float) -> Iterator[Row]:
    """Let a holder stand still in the middle of a refresh, and go on.

    The server's answer comes while it stands still: nobody is waited for longer by a request than
    for a minute. Another host waits for what the holder may have got, for `AWAITED_SECONDS`, and
    then goes past.
    """
    for longer, cut in ((0, False), (0, True), (AWAITED_SECONDS / 4, True)):
        seen = stopped(fleet, seconds + longer, cut=cut, answered=True)
        how = "connection cut" if cut else "connection left alone"
        yield Row(
            f"a holder stopped for {seconds + longer:.0f} s, {how}, another host needs a token",
            describe(seen),
            "no newer token overwritten, 0 codes",
            seen.is_well,
        )


def describe(seen: Stopped) -> str:
    """Return what became of a holder in a few words."""
    stays = "the newest stays" if seen.newest_stays else "an older one has taken its place"
    return f"{stays}; {seen.codes} codes, {seen.refreshes} refreshes, {seen.twice} sent twice"


def report(options: argparse.Namespace) -> Iterator[str]:
    """Measure, and yield the lines of the report."""
    server = Options(interval=0.2, rate_limit=None)
    with Fleet(options.hosts, server, scripts=options.scripts) as fleet:
        kind = "namespaces" if fleet.hosts.separate else "homes"
        yield from ["# What a fleet costs", "", *facts()]
        [(version,)] = fleet.postgres.sql("SHOW server_version")
        yield f"- PostgreSQL {version} on a socket, {options.hosts} hosts as {kind}"
        yield f"- load when it began: {os.getloadavg()[0]:.2f}"
        yield from ["", "| what | found | limit | |", "| --- | --- | --- | --- |"]
        with crews(fleet.hosts) as crew:
            yield from map(str, crowd(fleet, crew, options.processes, options.repetitions))
            yield from map(str, nobody(fleet, crew))
        yield from map(str, warm(fleet, options.rounds))
        if options.stop:
            yield from map(str, holders(fleet, options.stop))


def main() -> None:
    """Run the benchmark that the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m bench.fleet", description=__doc__)
    parser.add_argument("--scripts", type=Path, default=Path(sys.executable).parent)
    parser.add_argument("--hosts", type=int, default=50)
    parser.add_argument("--processes", type=int, default=20)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--stop", type=float, default=60, help="seconds that a holder stands still")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} too")
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    options.scripts = options.scripts.absolute()
    lines = []
    for line in report(options):
        print(line, flush=True)  # noqa: T201  (it is what this program is for)
        lines.append(line)
    if options.write:
        RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
