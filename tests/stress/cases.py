"""Crowds of processes that need a token at the same moment, and what the server saw of them.

Run as a program, it prints a table: `sh scripts/stress 100`.
"""

import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL
from typing import Self

import click

from hexauth.sandbox.faults import parse
from hexauth.sandbox.options import Options
from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, Process
from tests.waiting import until

SECONDS = 240
"""The longest that a crowd may take, whatever happens to it."""

GET = ("hexauth", "get", "hexpm", "--format", "token", "--login")
ASKED = "To log in, open "
HEARD = "check that it shows the code "


@dataclass(frozen=True)
class Seen:
    """What became of a crowd, as its members' ends and the server's counts tell."""

    codes: dict[int, int]
    """How many ended with each exit code; a killed process has its signal's, negative."""
    tokens: int
    """How many different tokens were printed."""
    prompts: int
    """How many grants the server made."""
    refreshes: int
    asked: int
    """How many processes showed the code as a question, not as what they wait for."""
    seconds: float = field(compare=False)
    """From the last event on the server's side to the end of the last process."""


class Crowd:
    """Processes that run the same command at once, on one machine; none outlives a `with` block."""

    def __init__(self, machine: Machine, sandbox: Sandbox, folder: Path, size: int) -> None:
        self.machine, self.sandbox = machine, sandbox
        self.start = time.monotonic()
        self._folder = folder
        self.members = [self._join(number) for number in range(size)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *of_the_block: object) -> None:
        for member in self.members:
            member.kill()
        for member in self.members:
            member.wait(SECONDS)

    def _join(self, number: int) -> Process:
        paths = [self._folder / f"{number}.{end}" for end in ("out", "err")]
        with paths[0].open("wb") as out, paths[1].open("wb") as err:
            return self.machine.start(*GET, stdin=DEVNULL, stdout=out, stderr=err)

    def said(self, end: str) -> list[str]:
        """Return what each member has written so far, to `out` or `err`."""
        paths = [self._folder / f"{number}.{end}" for number in range(len(self.members))]
        return [path.read_text("utf-8") for path in paths]

    def all_have_heard(self) -> bool:
        """Tell whether every member that lives shows the code."""
        lines = zip(self.members, self.said("err"), strict=True)
        return all(HEARD in text or member.poll() is not None for member, text in lines)

    def winner(self) -> Process:
        """Return the member that asks the person."""
        lines = zip(self.members, self.said("err"), strict=True)
        return next(member for member, text in lines if ASKED in text and member.poll() is None)

    def kill_winner(self) -> None:
        """Kill the one that asks, and wait until it is gone."""
        winner = self.winner()
        winner.send_signal(signal.SIGKILL)
        winner.wait(SECONDS)

    def answer(self, *, approve: bool) -> None:
        """Answer the newest grant as the person would on the page."""
        self.sandbox.hexpm.answer(self.sandbox.hexpm.grants()[-1], approve=approve)
        self.start = time.monotonic()

    def seen(self) -> Seen:
        """Wait for everybody, and return what was seen."""
        codes = Counter(member.wait(SECONDS) for member in self.members)
        seconds = time.monotonic() - self.start
        counts = self.sandbox.journal.counts()
        return Seen(
            dict(codes),
            len({text for text in self.said("out") if text}),
            counts["device_authorization"],
            counts["refresh"],
            sum(ASKED in text for text in self.said("err")),
            seconds,
        )


@dataclass(frozen=True)
class Case:
    """One way in which a day can go."""

    name: str
    expected: Callable[[int], Seen]
    """What must be seen of a crowd of a given size."""
    act: Callable[[Crowd], object] = lambda crowd: None
    options: dict[str, float] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    before: Callable[[Machine, Sandbox], object] = lambda machine, sandbox: None
    """What happens on the machine before the crowd comes."""


def run(case: Case, size: int, folder: Path) -> Seen:
    """Let a crowd of `size` processes live through `case`, in an empty `folder`."""
    options = Options(**{"interval": 0.2, "rate_limit": None, **case.options})  # type: ignore[arg-type]  # times
    with Sandbox(options) as sandbox:
        machine = Machine(folder, sandbox.api_url)
        case.before(machine, sandbox)
        for fault in case.faults:
            sandbox.faults.add(parse(fault))
        before = sandbox.journal.counts()["device_authorization"]
        with Crowd(machine, sandbox, folder, size) as crowd:
            case.act(crowd)
            seen = crowd.seen()
        return Seen(**{**vars(seen), "prompts": seen.prompts - before})


def _rejected_token(machine: Machine, sandbox: Sandbox) -> None:
    """Log in, and let the server reject the access token, as git tells with `erase`."""
    with machine.start("hexauth", "login", "--no-browser") as process:
        until(lambda: len(sandbox.hexpm.grants()) == 1, SECONDS)
        sandbox.hexpm.answer(sandbox.hexpm.grants()[0], approve=True)
        assert process.wait(SECONDS) == 0
    sandbox.hexpm.reject_access_tokens()
    host = sandbox.url.removeprefix("http://")
    request = f"protocol=http\nhost={host}\nusername=oauth2\npassword={machine.token()}\n"
    assert machine.hexauth("erase", give=request.encode()).returncode == 0


def _ended_session(machine: Machine, sandbox: Sandbox) -> None:
    """Log in, and let the server end the session behind the person's back."""
    _rejected_token(machine, sandbox)
    sandbox.hexpm.end_sessions()


def _approve(crowd: Crowd) -> None:
    until(crowd.all_have_heard, SECONDS)
    crowd.answer(approve=True)


def _deny(crowd: Crowd) -> None:
    until(crowd.all_have_heard, SECONDS)
    crowd.answer(approve=False)


def _interrupt(crowd: Crowd) -> None:
    until(crowd.all_have_heard, SECONDS)
    crowd.winner().send_signal(signal.SIGINT)
    crowd.start = time.monotonic()


def _kill_and_approve(crowd: Crowd) -> None:
    until(crowd.all_have_heard, SECONDS)
    crowd.kill_winner()
    crowd.answer(approve=True)


def _approve_and_kill(crowd: Crowd) -> None:
    """Approve; the answer to the winner's poll is lost, and then the winner."""
    until(crowd.all_have_heard, SECONDS)
    polls = crowd.sandbox.journal.counts()["faults"]
    crowd.sandbox.faults.add(parse("hang@poll"))
    until(lambda: crowd.sandbox.journal.counts()["faults"] > polls, SECONDS)
    crowd.answer(approve=True)
    crowd.kill_winner()


def _everybody(
    code: int, prompts: int, refreshes: int, asked: int, tokens: int = 1
) -> Callable[[int], Seen]:
    return lambda size: Seen({code: size}, tokens, prompts, refreshes, asked, 0)


def _all_but_the_winner(size: int) -> Seen:
    return Seen({0: size - 1, -signal.SIGKILL: 1}, 1, 1, 0, 2, 0)


CASES = (
    Case("nobody is logged in, the person approves", _everybody(0, 1, 0, 1), _approve),
    Case("the person declines", _everybody(4, 1, 0, 1, tokens=0), _deny),
    Case(
        "the person presses Ctrl-C",
        lambda size: Seen({4: size - 1, 130: 1}, 0, 1, 0, 1, 0),
        _interrupt,
    ),
    Case("the code expires", _everybody(5, 1, 0, 1, tokens=0), options={"expires_in": 20}),
    Case(
        "polls are answered 503, or not at all",
        _everybody(0, 1, 0, 1),
        _approve,
        faults=("503@poll", "drop@poll"),
    ),
    Case("the winner dies after the code was shown", _all_but_the_winner, _kill_and_approve),
    Case("the winner dies before it has saved", _all_but_the_winner, _approve_and_kill),
    Case(
        "the session has ended, the person approves",
        _everybody(0, 1, 1, 1),
        _approve,
        before=_ended_session,
    ),
    Case(
        "the access token was rejected",
        _everybody(0, 0, 1, 0),
        before=_rejected_token,
        faults=("slow:0.3@refresh",),
    ),
    Case(
        "the access token was rejected, the refresh is never answered",
        _everybody(6, 0, 1, 0, tokens=0),
        before=_rejected_token,
        faults=("hang@refresh=1000",),
    ),
)


def main(size: int, names: list[str]) -> None:
    """Print what the server saw of a crowd of `size` in each case, or in those named."""
    click.echo(
        f"| {size} processes | exit codes | tokens | prompts | refreshes | asked | seconds |"
    )
    click.echo("| --- | --- | --- | --- | --- | --- | --- |")
    for case in CASES:
        if names and not any(name in case.name for name in names):
            continue
        with tempfile.TemporaryDirectory() as folder:
            seen = run(case, size, Path(folder))
        right = "" if seen == case.expected(size) else f" WRONG, expected {case.expected(size)}"
        click.echo(
            f"| {case.name} | {seen.codes} | {seen.tokens} | {seen.prompts} | {seen.refreshes} "
            f"| {seen.asked} | {seen.seconds:.2f} |{right}",
        )


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
