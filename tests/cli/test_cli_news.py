"""What a crowd hears that waited in vain: the same bytes as by the longer way, from few imports."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from hexauth import hot
from hexauth.login.asking import allowed_to_ask, why_not_ask
from hexauth.machine.mutex import Mutex
from hexauth.memory.waiting import WAIT_SECONDS, why_nobody_is_asked
from hexauth.sandbox.faults import parse
from hexauth.sandbox.serve import Sandbox
from tests.cli.test_cli_hot import imports
from tests.conftest import Machine, Process, Serve
from tests.homes import home
from tests.stress.gate import gate, waiting_at
from tests.waiting import until

Make = Callable[[Sandbox], Machine]
Ended = "subprocess.CompletedProcess[bytes]"

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="nobody waits by the short way elsewhere"
)

GET = ("hexauth", "get", "hexpm", "--format", "token")
LONG = "hexauth.cli.streams"
"""A module that only the longer way imports."""

OFF = {"HEXAUTH_CACHE": "off"}


@pytest.fixture
def make(machine: Make, memory: str) -> Make:
    """Return a function that makes a machine with memory of its own, for a server."""

    def made(sandbox: Sandbox) -> Machine:
        found = machine(sandbox)
        found.environ["XDG_RUNTIME_DIR"] = memory
        return found

    return made


def doors(here: Machine, *flags: str) -> list[tuple[tuple[str, ...], bytes]]:
    """Return what each door is asked for the login's token."""
    url = here.environ["HEX_API_URL"].removesuffix("/api")
    protocol, _, host = url.partition("://")
    description = f"protocol={protocol}\nhost={host}\n\n".encode()
    return [
        ((*GET, *flags), b""),
        (("hexauth", "get", "--format", "header", *flags), description),
        (("git-credential-hexauth", *flags, "get"), description),
        (("hexauth", "get", f"{url}/api/x", *flags), b""),
        (("hexauth-bazel", "get"), b'{"uri":"%s/x"}' % here.environ["HEX_API_URL"].encode()),
    ]


@contextmanager
def all_at_once(
    here: Machine, asked: list[tuple[tuple[str, ...], bytes]], environ: Mapping[str, str]
) -> Iterator[list[Process]]:
    """Start a process for each that is asked, and hand them out."""
    with ExitStack() as stack:
        processes = []
        for words, give in asked:
            process = stack.enter_context(here.start(*words, environ=environ))
            assert process.stdin is not None
            process.stdin.write(give)
            process.stdin.close()
            process.stdin = None
            processes.append(process)
        yield processes


def outcomes(processes: list[Process]) -> list[tuple[int, bytes, bytes]]:
    found = []
    for process in processes:
        out, err = process.communicate(timeout=60)
        found.append((process.returncode, out, err))
    return found


def on_both_ways(here: Machine, *flags: str) -> list[tuple[object, object]]:
    """Let a crowd wait at the login's mutex, by the short way and by the longer one; compare."""
    asked = doors(here, *flags)
    with gate(here.home / "hexauth/state") as let_in, ExitStack() as stack:
        short, long = (stack.enter_context(all_at_once(here, asked, env)) for env in ({}, OFF))
        let_in(2 * len(asked))
        return [*zip(outcomes(short), outcomes(long), strict=True)]


def long_ones(here: Machine, asked: list[tuple[tuple[str, ...], bytes]]) -> int:
    """Return how many of a crowd that waits at the login's mutex go the longer way."""
    environ = {"PYTHONPROFILEIMPORTTIME": "1"}
    with gate(here.home / "hexauth/state") as let_in, all_at_once(here, asked, environ) as started:
        let_in(len(asked))
        told = outcomes(started)
    return sum(
        LONG in imports(subprocess.CompletedProcess([], code, out, err)) for code, out, err in told
    )


@pytest.fixture
def rejected(make: Make, serve: Serve) -> tuple[Machine, Sandbox]:
    """Log in, and let the server reject the token and answer every refresh with 503."""
    sandbox = serve(approve_after=0)
    here = make(sandbox)
    assert here.hexauth("login", "--no-browser").returncode == 0
    here.reject_token(sandbox)
    sandbox.faults.add(parse("503@refresh=1000"))
    return here, sandbox


def test_who_waited_for_a_refresh_that_failed_hears_the_same(
    rejected: tuple[Machine, Sandbox],
) -> None:
    here, sandbox = rejected

    found = on_both_ways(here)

    assert [short for short, _ in found] == [long for _, long in found]
    assert [outcome[:2] for outcome, _ in found] == [  # type: ignore[index]  # they are tuples
        (6, b""), (6, b""), (6, b"quit=1\n"), (6, b""), (6, b"")
    ]  # fmt: skip
    assert sandbox.journal.counts()["refresh"] == 1


def test_one_of_a_crowd_pays_for_a_refresh_that_failed(rejected: tuple[Machine, Sandbox]) -> None:
    here, sandbox = rejected

    assert long_ones(here, doors(here) * 2) == 1
    assert sandbox.journal.counts()["refresh"] == 1


def test_who_comes_after_a_refresh_that_failed_tries_again(
    rejected: tuple[Machine, Sandbox],
) -> None:
    here, sandbox = rejected

    codes = [here.run(*GET).returncode for _ in range(3)]

    assert (codes, sandbox.journal.counts()["refresh"]) == ([6] * 3, 3)


def test_who_waited_gets_the_old_token_while_it_lives(make: Make, serve: Serve) -> None:
    sandbox = serve(approve_after=0, token_ttl=400)
    here = make(sandbox)
    here.environ["HEXAUTH_MIN_TTL"] = "399"
    assert here.hexauth("login", "--no-browser").returncode == 0
    here.age(sandbox)
    sandbox.faults.add(parse("503@refresh=1000"))

    found = on_both_ways(here)
    few = long_ones(here, doors(here) * 2)

    assert [short for short, _ in found] == [long for _, long in found]
    assert {outcome[0] for outcome, _ in found} == {0}  # type: ignore[index]
    assert (few, sandbox.journal.counts()["refresh"]) == (1, 2)


def test_who_finds_the_vault_unusable_hears_the_same(make: Make, serve: Serve) -> None:
    here = make(serve(approve_after=0))
    assert here.hexauth("login", "--no-browser").returncode == 0
    (here.home / "hexauth/vault/vault.json").write_text("nonsense")
    (Path(here.environ["XDG_RUNTIME_DIR"]) / "hexauth" / str(hot.file_name(here.environ))).unlink()

    found = on_both_ways(here)
    few = long_ones(here, doors(here) * 2)

    assert [short for short, _ in found] == [long for _, long in found]
    assert {outcome[0] for outcome, _ in found} == {7}  # type: ignore[index]
    assert few == 1


def strangers(
    here: Machine, asked: list[tuple[tuple[str, ...], bytes]], environ: Mapping[str, str]
) -> list[tuple[int, bytes, bytes]]:
    """Let a crowd come where nobody has ever run hexauth, all at the same moment."""
    mutex = here.home / "hexauth/state/front.lock"
    mutex.parent.mkdir(parents=True, mode=0o700)
    with ExitStack() as stack:
        with Mutex(mutex).held(0):
            processes = stack.enter_context(all_at_once(here, asked, environ))
            until(lambda: waiting_at(mutex) == len(asked), 60)
        return outcomes(processes)


@pytest.mark.parametrize(
    ("flags", "environ"),
    [(["--no-login"], {}), ([], {"CI": "true"}), ([], {"HEXAUTH_NO_LOGIN": "1"})],
    ids=["flag", "CI", "variable"],
)
def test_strangers_who_may_not_ask_hear_the_same(
    make: Make, serve: Serve, flags: list[str], environ: dict[str, str]
) -> None:
    here = make(serve())
    asked = doors(here, *flags)

    short = strangers(here, asked, environ)

    long = [here.run(*words, give=give, environ={**environ, **OFF}) for words, give in asked]
    assert short == [(done.returncode, done.stdout, done.stderr) for done in long]
    assert {code for code, _, _ in short} == {3}


@pytest.mark.parametrize("how", ["variable", "config.toml"])
def test_nobody_waits_for_who_leaves_nothing_in_memory(make: Make, serve: Serve, how: str) -> None:
    """Whoever holds the mutex of the surroundings is not waited for: each finds out by itself."""
    here = make(serve())
    environ = OFF if how == "variable" else {}
    if how == "config.toml":
        (here.home / "hexauth").mkdir(mode=0o700)
        (here.home / "hexauth/config.toml").write_text("cache = false\n")
    assert here.run(*GET, "--no-login", environ=environ).returncode == 3

    with (
        Mutex(here.home / "hexauth/state/front.lock").held(0),
        here.start(*GET, "--no-login", environ=environ) as process,
    ):
        process.communicate(timeout=WAIT_SECONDS / 2)

    assert process.returncode == 3


@pytest.mark.parametrize("stored", [False, True], ids=["nothing stored", "something stored"])
def test_one_of_the_strangers_pays_unless_something_is_stored(
    make: Make, serve: Serve, stored: bool
) -> None:
    """A password that some tool has stored for the server comes before any question."""
    here = make(serve())
    *_, (_, description), _, _ = doors(here)
    if stored:
        told = description.rstrip(b"\n") + b"\nusername=me\npassword=stored\n"
        here.run("git-credential-hexauth", "store", give=told)
        for left in ("index.json", "index.lock"):
            (here.home / "hexauth/state" / left).unlink()
        for path in (here.home / "hexauth/state").iterdir():
            path.unlink()
        (here.home / "hexauth/state").rmdir()

    found = strangers(here, [(GET, b"")] * 6, {"CI": "1", "PYTHONPROFILEIMPORTTIME": "1"})

    ended = [subprocess.CompletedProcess([], *each) for each in found]
    assert sum(LONG in imports(done) for done in ended) == (6 if stored else 1)
    assert {done.stdout for done in ended} == {b"stored\n" if stored else b""}


def test_a_login_is_seen_at_once_by_who_heard_that_there_is_none(make: Make, serve: Serve) -> None:
    here = make(serve(approve_after=0))
    before = [here.run(*GET, "--no-login").returncode for _ in range(2)]
    assert here.hexauth("login", "--no-browser").returncode == 0

    assert (before, here.run(*GET, "--no-login").returncode) == ([3, 3], 0)


NOBODY = {"GIT_TERMINAL_PROMPT": "1"}


@pytest.mark.parametrize("flag", [None, True, False])
@pytest.mark.parametrize(
    "environ",
    [
        {}, {"CI": "1"}, {"CI": "false"}, {"CI": "No"}, {"HEXAUTH_NO_LOGIN": "on"},
        {"HEXAUTH_NO_LOGIN": "0"}, {"GIT_TERMINAL_PROMPT": "0"}, {"GIT_TERMINAL_PROMPT": ""},
        {"GIT_TERMINAL_PROMPT": "yes"}, {"DISPLAY": ":0"}, {"WAYLAND_DISPLAY": "w", "CI": "0"},
        {"DISPLAY": ":0", "SSH_CONNECTION": "x"}, {"DISPLAY": ":0", "CI": "1"},
    ],
)  # fmt: skip
def test_whoever_is_told_not_to_ask_may_not_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], flag: bool | None
) -> None:
    """The one rule is `allowed_to_ask`; what is decided early never contradicts it."""
    for name in ("CI", "HEXAUTH_NO_LOGIN", "GIT_TERMINAL_PROMPT", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    front = hot.Front()
    front.plain = ("hexpm", "token", flag)

    early = why_nobody_is_asked(front, "hexauth")

    here = home(tmp_path, environ, visible=False)
    assert not (early and allowed_to_ask(here, flag))
    assert early in ("", why_not_ask(here, flag))
    assert early or flag is not False


@pytest.mark.parametrize("text", [b"\x1b[2J", b"\xc2\x9b2J"])
def test_news_that_act_on_a_terminal_are_no_news(serve: Serve, make: Make, text: bytes) -> None:
    """Whoever waits shows them as they are; hexauth itself escapes them before."""
    here = make(serve())
    first = here.run(*GET, "--no-login")
    (left,) = Path(here.environ["XDG_RUNTIME_DIR"], "hexauth").iterdir()
    news = left.read_bytes()
    left.write_bytes(news.replace(b"There is no login", b"There is no " + text))

    done = here.run(*GET, "--no-login")

    assert b"There is no login" in news
    assert (done.returncode, done.stdout, done.stderr) == (3, b"", first.stderr)
