"""Fifty hosts, one approval and one refresh at work on one screen: `sh scripts/fleet`."""

import argparse
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TextIO

import click

from bench.crew import Crews, crews
from bench.fleets import GET, Fleet
from hexauth.sandbox.options import Options
from hexauth.sandbox.records import State
from tests.as_postgres import program

STARTING, WAITING, ANSWERED, FAILED = "·", "?", "✓", "✗"

HEARD = b"check that it shows the code"

COLUMNS = 10

LOOK_SECONDS = 0.1

LIVES_SECONDS, LONG_SECONDS = 5, 1800
"""For how long the first access token lives, and later ones."""

LIMIT_SECONDS = 600
"""The longest that anything, a person too, is waited for."""


@dataclass
class Picture:
    """What can be seen of a fleet: a grid that is drawn anew, or lines where there is no terminal.

    `say` is what goes on just now.
    """

    fleet: Fleet
    out: TextIO
    marks: list[str] = field(default_factory=list)
    said: str = ""
    _drawn: int = 0
    _last: str = ""

    def say(self, text: str) -> None:
        """Tell what goes on from now on."""
        self.said = text
        if not self.out.isatty():
            click.echo(text, self.out)
        self.draw()

    def draw(self) -> None:
        """Show how it stands, if that has changed."""
        lines = [*self._grid(), "", self._counts()] if self.out.isatty() else [self._counts()]
        if (text := "\n".join([*lines, self.said])) == self._last:
            return
        self._last = text
        if not self.out.isatty():
            click.echo(f"  {lines[0]}", self.out)
            return
        up = f"\x1b[{self._drawn}F" if self._drawn else ""
        shown = [*lines, "", self.said]
        self.out.write(up + "".join(f"{line}\x1b[K\n" for line in shown))
        self.out.flush()
        self._drawn = len(shown)

    def _grid(self) -> Iterator[str]:
        yield f"{STARTING} starting   {WAITING} waiting for the person   {ANSWERED} has a token"
        yield ""
        cells = [
            f"{host.name:>4} {mark}"
            for host, mark in zip(self.fleet.hosts, self.marks, strict=True)
        ]
        for first in range(0, len(cells), COLUMNS):
            yield " ".join(cells[first : first + COLUMNS])

    def _counts(self) -> str:
        counts = self.fleet.sandbox.journal.counts()
        waiting, answered = (self.marks.count(each) for each in (WAITING, ANSWERED))
        return (
            f"hosts: {waiting} waiting, {answered} answered of {len(self.marks)}; at the server: "
            f"codes {counts['prompts']}, refreshes {counts['refresh']}; "
            f"at the database: {self.fleet.connections().total()} connections"
        )


@dataclass
class Act:
    """One `get` on every host, which `picture` shows."""

    picture: Picture
    crew: Crews
    tokens: set[str] = field(default_factory=set)
    ended: int = 0

    def begin(self, *words: str) -> None:
        """Start it."""
        fleet = self.picture.fleet
        self.picture.marks = [STARTING] * len(fleet.hosts)
        self._errors = [host.home / "errors" for host in fleet.hosts]
        for each in self._errors:
            each.unlink(missing_ok=True)
        self.begun = self.crew.tell(fleet.program, *GET, *words, errors=self._errors)
        self._threads = [
            threading.Thread(target=self._wait, args=[number], daemon=True)
            for number in range(len(fleet.hosts))
        ]
        for thread in self._threads:
            thread.start()

    def _wait(self, number: int) -> None:
        found = self.crew.one(number)
        is_good = found.codes[0] == 0
        self.picture.marks[number] = ANSWERED if is_good else FAILED
        self.tokens.update(found.answers if is_good else [])

    def until(self, condition: Callable[[Sequence[str]], bool]) -> float:
        """Show it until `condition` holds for the marks; return the seconds since it began."""
        end = time.monotonic() + LIMIT_SECONDS
        while not condition(self.picture.marks):
            if time.monotonic() > end:
                raise SystemExit("That takes too long.")
            for number, path in enumerate(self._errors):
                is_new = self.picture.marks[number] == STARTING and path.exists()
                if is_new and HEARD in path.read_bytes():
                    self.picture.marks[number] = WAITING
            self.picture.draw()
            time.sleep(LOOK_SECONDS)
        self.picture.draw()
        return time.time() - self.begun

    def finish(self) -> float:
        """Show it to its end; return the seconds since it began. Raises SystemExit if it fails."""
        taken = self.until(lambda marks: set(marks) <= {ANSWERED, FAILED})
        for thread in self._threads:
            thread.join()
        if FAILED in self.picture.marks or len(self.tokens) != 1:
            failed = self.picture.marks.index(FAILED) if FAILED in self.picture.marks else 0
            raise SystemExit(f"Something went wrong: {self._errors[failed].read_text('utf-8')}")
        return taken


def show(fleet: Fleet, out: TextIO, patience: float | None) -> None:
    """Let the hosts want a login, which is approved after `patience` seconds or by hand."""
    count, server = len(fleet.hosts), fleet.sandbox
    picture = Picture(fleet, out)
    with crews(fleet.hosts) as crew:
        act = Act(picture, crew)
        act.begin("--login")
        picture.say(f"{count} hosts want a token, and nobody is logged in.")
        act.until(lambda marks: STARTING not in marks)
        grant = server.hexpm.grants()[-1]
        if patience is None:
            page = f"{server.url}/oauth/device?user_code={grant.user_code}"
            picture.say(f"Approve the one code at {page}")
        else:
            picture.say(f"All show one code; the person approves it in {patience:g} seconds.")
            act.until(waited(patience))
            server.approve()
        act.until(lambda marks: grant.state is not State.PENDING or ANSWERED in marks)
        approved = time.time()
        picture.say("It is approved.")
        act.finish()
        taken, codes = time.time() - approved, server.codes
        picture.say(f"{codes} code, {count} answers, {taken:.1f} s after the approval.")

        server.hexpm.options = replace(fleet.sandbox.options, token_ttl=LONG_SECONDS)
        act.until(waited(LIVES_SECONDS))
        before = server.journal.counts()["refresh"]
        act = Act(picture, crew)
        act.begin("--no-login")
        picture.say(f"The token has run out, and {count} hosts want the next one.")
        taken = act.finish()
        refreshes = server.journal.counts()["refresh"] - before
        picture.say(f"{refreshes} refresh, {count} times the same new token, after {taken:.1f} s.")


def waited(seconds: float) -> Callable[[Sequence[str]], bool]:
    """Return a condition that holds after so many seconds."""
    end = time.monotonic() + seconds
    return lambda marks: time.monotonic() > end


@contextmanager
def orderly() -> Iterator[None]:
    """Let a signal that ends this program end it so that everything is put away."""

    def leave(number: int, _frame: object) -> None:
        sys.exit(128 + number)

    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, leave)
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def main() -> None:
    """Show it, as the arguments ask."""
    parser = argparse.ArgumentParser(prog="scripts/fleet", description=__doc__)
    parser.add_argument("--hosts", type=int, default=50)
    parser.add_argument("--by-hand", action="store_true", help="approve it yourself")
    parser.add_argument("--approve-after", type=float, default=3, metavar="SECONDS")
    chosen = parser.parse_args()
    try:
        program("postgres"), program("initdb")
    except FileNotFoundError as error:
        sys.exit(str(error))
    server = Options(interval=0.2, rate_limit=None, token_ttl=LIVES_SECONDS)
    patience = None if chosen.by_hand else chosen.approve_after
    with orderly():
        click.echo(f"Making {chosen.hosts} hosts, a database and a Hex server.")
        with Fleet(chosen.hosts, server, fast=True) as fleet:
            kind = "with addresses of their own" if fleet.hosts.separate else "homes, without root"
            click.echo(f"Hosts are {kind}; their vault is a PostgreSQL.\n")
            show(fleet, sys.stdout, patience)


if __name__ == "__main__":
    main()
