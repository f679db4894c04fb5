"""Crowds of processes that need a token at the same moment, and what the server saw of them.

Run as a program, it prints a table: `sh scripts/stress 100`.
"""

import argparse
import math
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Self

import click

from bench.measure import Program, crowd
from hexauth.sandbox.faults import parse
from hexauth.sandbox.options import Options
from hexauth.sandbox.serve import Sandbox
from hexauth.vault.quick import BUS
from tests import secret_service
from tests.conftest import Machine, Process
from tests.stress.gate import gate
from tests.waiting import until

SECONDS = 240
"""The longest that a crowd may take, whatever happens to it."""

GET = ("hexauth", "get", "hexpm", "--format", "token", "--login")
WORKING = ("sh", "-c", f"{' '.join(GET)} && sleep 0.5")
TOOL = (sys.executable, str(Path(__file__).with_name("tool.py")))
THREADS = (sys.executable, str(Path(__file__).with_name("threads.py")))
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
    """How many times the code was shown as a question, not as what somebody waits for."""
    polls: int = field(default=0, compare=False)
    seconds: float = field(default=0, compare=False)
    """From the last event on the server's side to the end of the last process."""


class Crowd:
    """Processes that run the same command at once, on one machine; none outlives a `with` block."""

    def __init__(
        self,
        machine: Machine,
        sandbox: Sandbox,
        folder: Path,
        size: int,
        words: tuple[str, ...] = GET,
    ) -> None:
        self.machine, self.sandbox = machine, sandbox
        self.start = time.monotonic()
        self._folder, self._words = folder, words
        self._before = sandbox.journal.counts()
        self.members = [self._join(number) for number in range(size)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *of_the_block: object) -> None:
        for member in self.members:
            member.kill()
        for member in self.members:
            member.communicate(timeout=SECONDS)

    def _join(self, number: int) -> Process:
        paths = [self._folder / f"{number}.{end}" for end in ("out", "err")]
        given = PIPE if self._words == TOOL else DEVNULL
        with paths[0].open("wb") as out, paths[1].open("wb") as err:
            return self.machine.start(*self._words, stdin=given, stdout=out, stderr=err)

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

    def until_token_is_handed_out(self) -> None:
        """Wait until the server has given the approved token to whoever polls."""
        until(lambda: self.sandbox.hexpm.grants()[-1].row is not None, SECONDS)
        self.start = time.monotonic()

    def counts(self) -> dict[str, int]:
        """Return what the server has counted since the crowd came."""
        now = self.sandbox.journal.counts()
        return {kind: now[kind] - self._before[kind] for kind in now}

    def seen(self) -> Seen:
        """Wait for everybody, and return what was seen."""
        codes = Counter(member.wait(SECONDS) for member in self.members)
        seconds = time.monotonic() - self.start
        counts = self.counts()
        return Seen(
            codes=dict(codes),
            tokens=len({line for text in self.said("out") for line in text.splitlines()}),
            prompts=counts["device_authorization"],
            refreshes=counts["refresh"],
            asked=sum(text.count(ASKED) for text in self.said("err")),
            polls=counts["poll"],
            seconds=seconds,
        )


@dataclass(frozen=True)
class Case:
    """One way in which a day can go."""

    name: str
    expected: Callable[[int], Seen]
    """What must be seen of a crowd of a given size."""
    act: Callable[[Crowd], object] = lambda crowd: None
    options: Callable[[int], dict[str, float]] = lambda size: {}
    """The sandbox's, for a crowd of a given size."""
    environ: Callable[[int], Mapping[str, str]] = lambda size: {}
    faults: tuple[str, ...] = ()
    before: Callable[[Machine, Sandbox], object] = lambda machine, sandbox: None
    """What happens on the machine before the crowd comes."""
    gathers: bool = False
    """Whether everybody has come before the first one may do anything about the token."""
    words: tuple[str, ...] = GET
    after: Callable[[Crowd], object] = lambda crowd: None
    """What must be true in the end; asserts."""
    limit: Callable[[float], float] | None = None
    """The seconds that it may take, given those of as many bare interpreters."""


def run(case: Case, size: int, folder: Path, environ: Mapping[str, str] | None = None) -> Seen:
    """Let a crowd of `size` processes live through `case`, in an empty `folder`.

    `environ` says where a Secret Service is, if one is to be the vault. A crowd of threads is one
    process.
    """
    options = Options(**{"interval": 0.2, "rate_limit": None, **case.options(size)})  # type: ignore[arg-type]  # times
    with Sandbox(options) as sandbox:
        machine = Machine(folder, sandbox.api_url)
        machine.environ.update({**(environ or {}), **case.environ(size)})
        if environ:
            machine.environ["HEXAUTH_VAULT"] = "keyring"
        case.before(machine, sandbox)
        for fault in case.faults:
            sandbox.faults.add(parse(fault))
        threads = case.words == THREADS
        words = (*THREADS, str(size)) if threads else case.words
        state = folder / "hexauth/state"
        with gate(state) if case.gathers else nullcontext(lambda size: None) as gathered:
            crowd = Crowd(machine, sandbox, folder, 1 if threads else size, words)
            with crowd:
                gathered(size)
                case.act(crowd)
                seen = crowd.seen()
                case.after(crowd)
        return seen


def _login(machine: Machine, sandbox: Sandbox) -> None:
    with machine.start("hexauth", "login", "--no-browser") as process:
        until(lambda: len(sandbox.hexpm.grants()) == 1, SECONDS)
        sandbox.hexpm.answer(sandbox.hexpm.grants()[0], approve=True)
        process.communicate(timeout=SECONDS)
        assert process.returncode == 0


def _old_token(machine: Machine, sandbox: Sandbox) -> None:
    """Log in, and wait until the token has less life than the margin wants, which is a lot."""
    _login(machine, sandbox)
    machine.age(sandbox)


def rejected_token(machine: Machine, sandbox: Sandbox) -> None:
    """Log in, and let the server reject the access token, as git tells with `erase`."""
    _login(machine, sandbox)
    machine.reject_token(sandbox)


def organization_key(machine: Machine, sandbox: Sandbox) -> None:
    """Keep a key of the parent of all organizations, unseen by the server."""
    key = sandbox.hexpm.add_key("repositories")
    words = ("key", "add", "hexpm", "--no-verify")
    assert machine.hexauth(*words, give=key.encode()).returncode == 0


def _one_exchange(crowd: Crowd) -> None:
    assert crowd.counts()["client_credentials"] == 1


def second_account(machine: Machine, sandbox: Sandbox) -> None:
    """Log in twice; the crowd wants the second account, whose token the server has rejected."""
    _login(machine, sandbox)
    machine.environ["HEXAUTH_ACCOUNT"] = "work"
    with machine.start("hexauth", "login", "--no-browser") as process:
        until(lambda: len(sandbox.hexpm.grants()) == 2, SECONDS)
        sandbox.hexpm.answer(sandbox.hexpm.grants()[1], approve=True)
        process.communicate(timeout=SECONDS)
    machine.reject_token(sandbox)


def _ended_session(machine: Machine, sandbox: Sandbox) -> None:
    """Log in, and let the server end the session behind the person's back."""
    rejected_token(machine, sandbox)
    sandbox.hexpm.end_sessions()


def _approve(crowd: Crowd) -> None:
    until(crowd.all_have_heard, SECONDS)
    crowd.answer(approve=True)
    crowd.until_token_is_handed_out()


def _approve_and_break_the_vault(crowd: Crowd) -> None:
    until(crowd.all_have_heard, SECONDS)
    folder = crowd.machine.home / "hexauth/vault"
    folder.rename(folder.with_name("elsewhere"))
    folder.write_text("in the way")
    crowd.answer(approve=True)


def _repair(crowd: Crowd) -> None:
    """Put the vault in order; the approval was not in vain."""
    folder = crowd.machine.home / "hexauth/vault"
    folder.unlink()
    folder.with_name("elsewhere").rename(folder)
    assert crowd.machine.run(*GET[:-1], "--no-login").returncode == 0
    assert crowd.counts()["device_authorization"] == 1


def _still_logged_in(crowd: Crowd) -> None:
    """Let the server answer again: nothing was lost."""
    crowd.sandbox.faults.clear()
    assert crowd.machine.token() != ""
    assert crowd.counts()["device_authorization"] == 0


def _start_tools(crowd: Crowd) -> None:
    """Let the tools go on once every one of them has the token that will be rejected."""
    until(lambda: all("ready" in text for text in crowd.said("err")), SECONDS)
    for member in crowd.members:
        assert member.stdin is not None
        member.stdin.write(b"\n")
        member.stdin.flush()
    crowd.start = time.monotonic()


def _two_tries_each(crowd: Crowd) -> None:
    assert crowd.counts()["users_me"] == 2 * len(crowd.members)


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
    return lambda size: Seen({code: size}, tokens, prompts, refreshes, asked)


def _all_but_the_winner(size: int) -> Seen:
    return Seen({0: size - 1, -signal.SIGKILL: 1}, 1, 1, 0, 2)


def _all_have_come(size: int) -> int:
    """Return the seconds after which nobody is still on the way, even where much else is done."""
    return 3 + math.ceil(size / 4)


def _after_the_save(bare: float) -> float:
    return 1.5 * bare + 0.2


CASES = (
    Case(
        "nobody is logged in, the person approves",
        _everybody(0, 1, 0, 1),
        _approve,
        limit=_after_the_save,
    ),
    Case("the person declines", _everybody(4, 1, 0, 1, tokens=0), _deny),
    Case(
        "the person presses Ctrl-C",
        lambda size: Seen({4: size - 1, 130: 1}, 0, 1, 0, 1),
        _interrupt,
    ),
    Case(
        "the code expires",
        _everybody(5, 1, 0, 1, tokens=0),
        options=lambda size: {"expires_in": _all_have_come(size)},
    ),
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
        before=rejected_token,
        faults=("slow:0.3@refresh",),
        limit=lambda bare: 2 * bare + 0.5,
    ),
    Case(
        "the access token of another account was rejected",
        _everybody(0, 0, 1, 0),
        before=second_account,
        faults=("slow:0.3@refresh",),
        limit=lambda bare: 2 * bare + 0.5,
    ),
    Case(
        "an organization's key is exchanged",
        _everybody(0, 0, 0, 0),
        before=organization_key,
        words=("hexauth", "get", "hexpm:acme", "--format", "token"),
        after=_one_exchange,
    ),
    Case(
        "the server issues tokens shorter than the margin",
        _everybody(0, 0, 1, 0),
        before=rejected_token,
        options=lambda size: {"token_ttl": 60},
    ),
    Case(
        "nobody is logged in, and tokens are shorter than the margin",
        _everybody(0, 1, 0, 1),
        _approve,
        options=lambda size: {"token_ttl": 60},
    ),
    *(
        Case(
            f"the access token was rejected, the refresh {what}",
            _everybody(6, 0, 1, 0, tokens=0),
            before=rejected_token,
            faults=(f"{fault}@refresh=1000",),
            gathers=True,
            after=_still_logged_in,
        )
        for fault, what in {
            "503": "is answered 503",
            "html": "meets a captive portal",
            "drop": "meets no network",
        }.items()
    ),
    Case(
        "the access token is nearly used up, the refresh is answered 503",
        _everybody(0, 0, 1, 0),
        before=_old_token,
        faults=("503@refresh=1000",),
        gathers=True,
        options=lambda size: {"token_ttl": 400},
        environ=lambda size: {"HEXAUTH_MIN_TTL": "399"},
    ),
    Case(
        "the access token was rejected, the refresh is never answered",
        _everybody(6, 0, 1, 0, tokens=0),
        before=rejected_token,
        faults=("hang@refresh=1000",),
        environ=lambda size: {"HEX_HTTP_TIMEOUT": str(_all_have_come(size))},
    ),
    Case(
        "every token is rejected",
        lambda size: Seen({1: size}, 0, 0, 1, 0),
        _start_tools,
        before=_login,
        faults=("invalid-token@users_me=100000",),
        words=TOOL,
        after=_two_tries_each,
    ),
    Case(
        "the vault fails after the approval",
        lambda size: Seen({7: 1, 0: size - 1}, 1, 1, 0, 1),
        _approve_and_break_the_vault,
        after=_repair,
    ),
    Case(
        "the vault fails after the approval, and nothing is kept in memory",
        _everybody(7, 1, 0, 1, tokens=0),
        _approve_and_break_the_vault,
        environ=lambda size: {"HEXAUTH_CACHE": "off"},
        after=_repair,
    ),
    Case(
        "everybody works for half a second with the token",
        _everybody(0, 1, 0, 1),
        _approve,
        words=WORKING,
    ),
    Case(
        "threads of one process, the person approves",
        lambda size: Seen({0: 1}, 1, 1, 0, 1),
        _approve,
        words=THREADS,
    ),
    Case(
        "threads of one process, the access token was rejected",
        lambda size: Seen({0: 1}, 1, 0, 1, 0),
        before=rejected_token,
        faults=("slow:0.3@refresh",),
        words=THREADS,
    ),
)

FILE_VAULT_ONLY = ("the vault fails",)
"""Cases that do something to the file vault."""


def bare(size: int, repetitions: int = 5) -> float:
    """Return the seconds that `size` interpreters take which do nothing, started together."""
    python = shutil.which("python", path=str(Path(sys.executable).parent)) or sys.executable
    nothing = Program("python -c pass", [python, "-c", "pass"], {"PATH": "/usr/bin:/bin"})
    return statistics.median(crowd(nothing, size) for _ in range(repetitions)) / 1000


def main() -> None:
    """Print what the server saw of a crowd in each case, or in those whose name is given."""
    parser = argparse.ArgumentParser(prog="scripts/stress", description=__doc__)
    parser.add_argument("size", type=int)
    parser.add_argument("names", nargs="*", help="parts of the names of cases; default: all")
    parser.add_argument("--vault", choices=["file", "keyring"], default="file")
    chosen = parser.parse_intermixed_args()
    click.echo(
        f"| {chosen.size} at once, {chosen.vault} vault | exit codes | tokens | prompts "
        "| refreshes | asked | polls | seconds | limit |"
    )
    click.echo("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    wrong = 0
    for case in CASES:
        if chosen.names and not any(name in case.name for name in chosen.names):
            continue
        if chosen.vault == "keyring" and case.name.startswith(FILE_VAULT_ONLY):
            continue
        wrong += not _print(case, chosen.size, chosen.vault)
    sys.exit(wrong > 0)


def _print(case: Case, size: int, vault: str) -> bool:
    """Run `case` and print its line; tell whether it went as it must."""
    with tempfile.TemporaryDirectory() as folder:
        if vault == "keyring":
            with secret_service.running("password") as (environ, _):
                seen = run(case, size, Path(folder), {BUS: environ[BUS]})
        else:
            seen = run(case, size, Path(folder))
    is_right = seen == case.expected(size)
    right = "" if is_right else f" WRONG, expected {case.expected(size)}"
    limit = "" if case.limit is None else f"{case.limit(bare(size)):.2f}"
    click.echo(
        f"| {case.name} | {seen.codes} | {seen.tokens} | {seen.prompts} | {seen.refreshes} "
        f"| {seen.asked} | {seen.polls} | {seen.seconds:.2f} | {limit} |{right}",
    )
    return is_right


if __name__ == "__main__":
    main()
