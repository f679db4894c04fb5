"""The commands with a keyring that hangs, dies, refuses, forgets, or answers late or wrongly.

Each thing that a command asks a keyring takes `HEXAUTH_VAULT_TIMEOUT` at most, and a write that has
outlived that is waited for three times as long.
"""

import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from hexauth.login.tokens import UNSAVED_SECONDS
from hexauth.sandbox.faults import parse
from hexauth.sandbox.serve import Sandbox
from hexauth.vault.quick import BUS
from tests import fake_secret_service
from tests.conftest import SECONDS, Machine, Serve
from tests.fake_secret_service import WORDS, FakeService
from tests.secret_service import Start, let_the_bus_start_it, lock, unlock
from tests.stress.gate import waiting_at
from tests.waiting import until

Make = Callable[[Sandbox], Machine]
Desktop = Callable[..., Machine]

GET = ("get", "hexpm", "--format", "token", "--no-login")
GIT = b"protocol=https\nhost=git.example.com\nusername=alice\n"
TIMEOUT = {"HEXAUTH_VAULT_TIMEOUT": "1"}
CROWD = 8

COMMANDS = {
    GET: b"",
    ("get",): b"protocol=https\nhost=git.example.com\n\n",
    ("store",): GIT + b"password=another\n\n",
    ("erase",): GIT + b"password=pa55word\n\n",
    ("status",): b"",
    ("login", "--no-browser", "--force"): b"",
    ("logout",): b"",
}

SOME = ("store", "login")
"""Commands that are enough where it does not matter what is asked."""


@pytest.fixture
def sandbox(serve: Serve) -> Sandbox:
    """Start a server that approves every login at once."""
    return serve(approve_after=0)


@pytest.fixture
def service() -> Iterator[FakeService]:
    """Hand out a Secret Service that can be made to misbehave."""
    with fake_secret_service.running() as found:
        yield found


@pytest.fixture
def desktop(sandbox: Sandbox, machine: Make) -> Desktop:
    """Return a function that makes a machine with a login, and a password, in the keyring."""

    def make(address: str, memory: str = "") -> Machine:
        found = machine(sandbox)
        del found.environ["HEXAUTH_VAULT"]
        found.environ |= {BUS: address, "HEXAUTH_CACHE": "on" if memory else "off"}
        found.environ |= {"XDG_RUNTIME_DIR": memory} if memory else {}
        login, store = ("hexauth", "login", "--no-browser"), ("hexauth", "store")
        done = found.prepare(*login), found.prepare(*store, give=STORED)
        assert [each.returncode for each in done] == [0, 0], done
        return found

    return make


STORED = GIT + b"password=pa55word\n\n"


def at_once(
    here: Machine, commands: list[tuple[tuple[str, ...], bytes]], **environ: str
) -> list[tuple[int, bytes, bytes]]:
    """Run commands, all begun at once; return how they have ended, and what they have written."""
    with ExitStack() as stack:
        running = [
            (stack.enter_context(here.start("hexauth", *words, environ=environ)), give)
            for words, give in commands
        ]
        said = [process.communicate(give, timeout=SECONDS) for process, give in running]
        return [(each[0].returncode, *said) for each, said in zip(running, said, strict=True)]


def refusals(here: Machine, *words: str, **environ: str) -> set[str]:
    """Run every command, or those that begin with `words`, all of them begun at once.

    Each must exit with 7, and say two lines. Return the first of each.
    Nothing is answered meanwhile, and no secret shown. Where the keyring does not answer at all,
    `TIMEOUT` says for how long that is waited for.
    """
    found = set()
    commands = [each for each in COMMANDS.items() if not words or each[0][0] in words]
    for code, out, err in at_once(here, commands, **environ):
        said = err.decode().splitlines()
        assert (code, len(said)) == (7, 2), (out, err)
        assert "keyring" in said[0].lower()
        assert "--vault file" in said[1]
        assert [word for word in (WORDS, "pa55word", "eyJ") if word.encode() in out + err] == []
        found.add(said[0].removeprefix("hexauth: "))
    return found


def assert_nothing_is_lost(here: Machine, sandbox: Sandbox) -> None:
    """There is the one login there was, and the password; nobody has been asked again."""
    assert here.token()[:3] == "eyJ"
    done = here.hexauth("get", give=b"protocol=https\nhost=git.example.com\n\n")
    assert done.stdout == b"username=alice\npassword=pa55word\n"
    assert len(sandbox.hexpm.sessions()) == 1
    assert sandbox.journal.counts()["device_authorization"] == 1


# A real service


def test_a_keyring_that_is_stopped_stops_every_command_for_as_long_as_was_set(
    sandbox: Sandbox, desktop: Desktop, secret_service: Start
) -> None:
    with secret_service("password") as (environ, daemon):
        here = desktop(environ[BUS])
        daemon.send_signal(signal.SIGSTOP)
        said = refusals(here, **TIMEOUT)
        daemon.send_signal(signal.SIGCONT)

        assert said & {"The keyring has not answered for 1 s."}
        assert_nothing_is_lost(here, sandbox)


def test_a_keyring_that_is_locked_stops_every_command_until_it_is_unlocked(
    sandbox: Sandbox, desktop: Desktop, secret_service: Start
) -> None:
    with secret_service("password") as (environ, _):
        here = desktop(environ[BUS])
        lock(environ[BUS])
        said = refusals(here)
        unlock(environ[BUS], "password")

        assert said == {"The keyring is locked, and was not unlocked when it asked."}
        assert_nothing_is_lost(here, sandbox)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGCONT], ids=["dies", "goes on later"])
def test_a_new_token_outlives_a_keyring_that_hangs_while_it_is_saved(
    sandbox: Sandbox, desktop: Desktop, secret_service: Start, memory: str, end: signal.Signals
) -> None:
    """The refresh token before it is spent. One that has died is started again, and is locked."""
    with secret_service("password") as (environ, daemon):
        here = desktop(environ[BUS], memory)
        let_the_bus_start_it(environ)
        sandbox.faults.add(parse("slow:1@refresh"))
        old = here.token()
        here.hexauth("erase", give=rejected(here, old))
        with here.start("hexauth", *GET, environ=TIMEOUT) as process:
            until(lambda: sandbox.journal.counts()["refresh"] == 1)
            daemon.send_signal(signal.SIGSTOP)
            until(lambda: process.poll() is not None or in_memory(memory))
            time.sleep(0.2)  # it is in the middle of its call, or about to make it
            daemon.send_signal(end)
            out, err = process.communicate(timeout=SECONDS)
        told = here.hexauth(*GET)
        unlock(environ[BUS], "password")
        limit = ends_in_memory(memory)
        new = here.token("--min-ttl", "299")  # not from memory

        assert limit <= UNSAVED_SECONDS or end is signal.SIGCONT
        assert (process.returncode, out[:3]) in ((0, b"eyJ"), (7, b"")), err
        assert told.stdout.decode().strip() == new != old
        assert here.status()["logins"][0]["in_memory_only"] is False
        assert_nothing_is_lost(here, sandbox)
        assert sandbox.journal.counts()["refresh"] == 1


def rejected(here: Machine, token: str) -> bytes:
    """Return what git says of a token that its server has rejected."""
    scheme, _, host = here.environ["HEX_API_URL"].removesuffix("/api").partition("://")
    return f"protocol={scheme}\nhost={host}\nusername=oauth2\npassword={token}\n\n".encode()


def ends_in_memory(memory: str) -> int:
    """Return for how many seconds the token in memory is answered from when it was put there."""
    file = next(
        each for each in Path(memory, "hexauth").glob("*hex*") if "unsaved" not in each.name
    )
    return round(int(file.read_bytes().split(b"\n")[8]) - file.stat().st_mtime)


def in_memory(memory: str) -> bool:
    """Tell whether a new token is in memory because its vault has not taken it yet."""
    return any(Path(memory, "hexauth").glob("unsaved-*"))


# One that misbehaves


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        ({"SearchItems", "CreateItem"}, "The keyring failed: D-Bus says org.freedesktop.DBus"),
        ({"ReadAlias"}, "The keyring failed: D-Bus says org.freedesktop.DBus.Error.AccessDenied."),
        ({"GetSecret", "GetSecrets", "CreateItem"}, "The keyring failed: D-Bus says org.freedes"),
    ],
    ids=["the search", "everything", "the secrets"],
)
def test_a_keyring_that_refuses_is_quoted_by_the_name_of_its_error_alone(
    sandbox: Sandbox, desktop: Desktop, service: FakeService, calls: set[str], said: str
) -> None:
    here = desktop(service.address)
    service.refuses |= calls

    assert {each.startswith(said) for each in refusals(here)} == {True}
    service.refuses.clear()
    assert_nothing_is_lost(here, sandbox)


def test_a_keyring_that_finds_something_else_is_not_believed(
    sandbox: Sandbox, desktop: Desktop, service: FakeService
) -> None:
    """One secret in the place of another would be sent to the wrong server, or be removed."""
    here = desktop(service.address)
    before = dict(service.items)
    service.mixes = True

    assert refusals(here) == {"The keyring answers with something else than it was asked for."}
    service.mixes = False
    assert service.items == before
    assert_nothing_is_lost(here, sandbox)


def test_a_keyring_that_keeps_nothing_more_is_found_out_by_every_change(
    sandbox: Sandbox, desktop: Desktop, service: FakeService
) -> None:
    here = desktop(service.address)
    service.loses = True
    changes = ("store", "erase", "login")
    done = [
        here.hexauth(*words, give=give) for words, give in COMMANDS.items() if words[0] in changes
    ]

    assert [each.returncode for each in done] == [7, 7, 7]
    assert b"hexauth: The keyring did not keep what was written to it." in done[0].stderr
    assert b"hexauth: The keyring did not remove what it was told to." in done[1].stderr
    assert_nothing_is_lost(here, sandbox)


def test_a_logout_that_the_keyring_does_not_carry_out_says_so(
    sandbox: Sandbox, desktop: Desktop, service: FakeService
) -> None:
    here = desktop(service.address)
    service.loses = True

    done = here.hexauth("logout")

    assert (done.returncode, sandbox.hexpm.sessions()) == (7, [])
    assert b"did not remove" in done.stderr


def expire(service: FakeService) -> None:
    """Let the access token have ended in 1970."""
    for path, (said, secret) in service.items.items():
        if said["service"].endswith("/access"):
            old = json.loads(secret)
            service.items[path] = said, json.dumps({**old, "expires_at": 1}).encode()


def test_a_crowd_shows_one_window_and_waits_until_it_is_answered(
    sandbox: Sandbox, desktop: Desktop, service: FakeService
) -> None:
    """The person takes a moment; then everybody has the same new token."""
    here = desktop(service.address)
    expire(service)
    service.locked = True
    with ExitStack() as stack:
        running = [stack.enter_context(here.start("hexauth", *GET)) for _ in range(CROWD)]
        until(lambda: service.counts["Prompt"] > 0)
        time.sleep(1)
        service.unlock()
        answers = {process.communicate(timeout=SECONDS) for process in running}

    ((out, err),) = answers
    assert (out[:3], err, service.counts["Prompt"]) == (b"eyJ", b"", 1)
    assert sandbox.journal.counts()["refresh"] == 1


def test_a_window_that_is_closed_is_shown_to_a_crowd_once(
    desktop: Desktop, service: FakeService, memory: str
) -> None:
    """They were all waiting at that moment, so that it is the answer of all."""
    here = desktop(service.address, memory)
    expire(service)
    outdate(here)
    service.locked = True
    locks = [*(here.home / "hexauth/state").rglob("*.lock")]
    with ExitStack() as stack:
        running = [stack.enter_context(here.start("hexauth", *GET)) for _ in range(CROWD)]
        until(lambda: sum(map(waiting_at, locks)) == CROWD - 1 and service.counts["Prompt"] > 0)
        service.dismiss()
        said = {process.communicate(timeout=SECONDS) for process in running}

    ((out, err),) = said
    assert {process.returncode for process in running} == {7}
    assert (out, service.counts["Prompt"]) == (b"", 1)
    assert b"hexauth: The keyring is locked, and was not unlocked when it asked." in err


def outdate(here: Machine) -> None:
    """Let what is in memory be out of date."""
    for path in (here.home / "hexauth/state").glob("*.token.lock"):
        os.truncate(path, path.stat().st_size + 1)


def test_a_person_who_closes_the_window_sees_no_second_one(
    desktop: Desktop, service: FakeService
) -> None:
    """`logout` goes on after a vault that cannot be read, and `status` to the next login."""
    here = desktop(service.address)
    service.locked = True
    for command in ("logout", "status"):
        service.counts.clear()
        with here.start("hexauth", command) as process:
            until(lambda: service.counts["Prompt"] > 0)
            service.dismiss()
            process.communicate(timeout=SECONDS)

        assert (process.returncode, service.counts["Prompt"]) == (7, 1)


def test_a_write_that_ends_late_is_waited_for_by_everybody(
    sandbox: Sandbox, desktop: Desktop, service: FakeService
) -> None:
    """Who gave up on it keeps the mutex, so that nobody else refreshes with what is spent."""
    here = desktop(service.address)
    expire(service)
    service.holds.add("CreateItem")
    with here.start("hexauth", *GET, environ=TIMEOUT) as first:
        until(lambda: service.counts["CreateItem"] > SAVES)
        with here.start("hexauth", *GET) as second:
            with pytest.raises(subprocess.TimeoutExpired):
                first.communicate(timeout=2)  # a second after its time limit
            waited = second.poll() is None
            service.release()
            first.communicate(timeout=SECONDS)
            out, err = second.communicate(timeout=SECONDS)

    assert (waited, first.returncode, second.returncode) == (True, 7, 7)
    assert err.startswith(b"hexauth: The keyring has not answered for 1 s."), out
    assert_nothing_is_lost(here, sandbox)


@pytest.mark.parametrize(
    ("call", "command", "give"),
    [("CreateItem", "store", STORED), ("Delete", "erase", STORED), ("Delete", "logout", b"")],
)
def test_a_change_that_ends_late_keeps_its_command_until_then(
    desktop: Desktop, service: FakeService, call: str, command: str, give: bytes
) -> None:
    """And with it the mutex, so that it comes into nobody's way."""
    here = desktop(service.address)
    before = service.counts[call]
    service.holds.add(call)
    with here.start("hexauth", command, environ=TIMEOUT) as process:
        with suppress(subprocess.TimeoutExpired):
            process.communicate(give, timeout=0.1)
        until(lambda: service.counts[call] > before)
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=2)  # a second after its time limit
        service.release()
        _, err = process.communicate(timeout=SECONDS)

    assert process.returncode == 7
    assert b"hexauth: The keyring has not answered for 1 s." in err


SAVES = 4
"""How many items a login and a password are, a trial included."""


@pytest.mark.parametrize("state", ["as it was", "empty", "locked"])
def test_a_token_that_a_dying_keyring_has_lost_is_saved_by_the_next(
    sandbox: Sandbox, desktop: Desktop, service: FakeService, memory: str, state: str
) -> None:
    here = desktop(service.address, memory)
    here.reject_token(sandbox)
    service.holds.add("CreateItem")
    with here.start("hexauth", *GET) as process:
        until(lambda: service.counts["CreateItem"] > SAVES)
        service.die()
        _, err = process.communicate(timeout=SECONDS)
    if state == "empty":
        service.items.clear()
    service.holds.clear()
    service.locked = state == "locked"
    service.come()
    told = here.hexauth(*GET, environ=TIMEOUT)
    service.locked = False
    new = here.token("--min-ttl", "299")

    assert (process.returncode, b"it is kept in memory" in err) == (7, True)
    assert (told.returncode, told.stdout.decode().strip()) == (0, new)
    assert new in "".join(service.secrets().values())
    assert sandbox.journal.counts()["refresh"] == 1


# A bus that is none


def say_nothing(connection: socket.socket) -> None:
    while connection.recv(1 << 16):
        pass


def let_everybody_in(connection: socket.socket) -> None:
    connection.recv(1 << 16)
    connection.sendall(b"OK " + b"0" * 32 + b"\r\n")
    say_nothing(connection)


def babble(connection: socket.socket) -> None:
    while data := connection.recv(1 << 16):
        connection.sendall(data[::-1] + bytes(range(256)))


def belong_to_another(connection: socket.socket) -> None:
    while connection.recv(1 << 16):
        connection.sendall(b"REJECTED EXTERNAL\r\n")


def hang_up(connection: socket.socket) -> None:
    connection.recv(1)


def _talk(talk: Callable[[socket.socket], object], connection: socket.socket) -> None:
    with connection, suppress(OSError):
        talk(connection)


@contextmanager
def peer(talk: Callable[[socket.socket], object]) -> Iterator[str]:
    """Let `talk` be what is behind a bus's socket; hand out its address."""
    with (
        tempfile.TemporaryDirectory(prefix="hx-", dir="/tmp") as folder,
        socket.socket(socket.AF_UNIX) as listening,
    ):
        listening.bind(f"{folder}/bus")
        listening.listen()

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    threading.Thread(target=_talk, args=(talk, connection), daemon=True).start()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"unix:path={folder}/bus"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(SECONDS)


def test_a_bus_that_is_none_stops_every_command_and_loses_nothing(
    sandbox: Sandbox, desktop: Desktop, service: FakeService
) -> None:
    here = desktop(service.address)
    for talk in (say_nothing, let_everybody_in, babble, belong_to_another, hang_up):
        with peer(talk) as address:
            refusals(here, *SOME, **TIMEOUT, **{BUS: address})
    for address in ("rubbish", "unix:path=;%zz", "unix:abstract=hx-nobody", "unix:path=/nowhere"):
        refusals(here, *SOME, **TIMEOUT, **{BUS: address})
    for backend in ("no.such.Keyring", "..", "os.path", "keyring.backends.null.Keyring"):
        refusals(here, *SOME, PYTHON_KEYRING_BACKEND=backend)

    assert_nothing_is_lost(here, sandbox)


# A backend of somebody else's

BACKEND = """
import os
from pathlib import Path
from hexauth.vault.secret_service import SecretService
from keyring.backend import KeyringBackend

class Odd(Exception):
    def __str__(self): raise SystemExit(0)

def answer(secret): {answer}

class Keyring(KeyringBackend):
    priority = 1
    ours = SecretService()
    def get_password(self, service, username):
        return answer(self.ours.get_password(service, username))
    def set_password(self, service, username, password):
        self.ours.set_password(service, username, password)
    def delete_password(self, service, username):
        self.ours.delete_password(service, username)
"""

ANSWERS = {
    "bytes": "return secret and secret.encode()",
    "a number": "return 1",
    "a text with a line feed behind it": "return secret and secret + chr(10)",
    "an odd exception": "raise Odd(secret)",
    "an exit": "raise SystemExit(0)",
    "an interrupt": "raise KeyboardInterrupt",
    "an exception with the secret in it": "raise ValueError(secret)",
}


@pytest.mark.parametrize("what", ANSWERS)
def test_a_backend_that_answers_oddly_costs_no_login(
    sandbox: Sandbox, desktop: Desktop, service: FakeService, what: str
) -> None:
    here = desktop(service.address)
    (here.home / "odd.py").write_text(BACKEND.format(answer=ANSWERS[what]))
    odd = {"PYTHON_KEYRING_BACKEND": "odd.Keyring", "PYTHONPATH": str(here.home)}
    done = here.hexauth(*GET, environ=odd), here.hexauth(*GET[:-1], "--login", environ=odd)

    assert [(each.returncode, each.stdout, b"eyJ" in each.stderr) for each in done] == [
        (7, b"", False)
    ] * 2, done
    assert_nothing_is_lost(here, sandbox)
