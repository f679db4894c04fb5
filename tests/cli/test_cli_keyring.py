"""The commands with the real Secret Service, on a bus that only the test knows."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from jeepney.bus_messages import message_bus  # type: ignore[import-untyped]  # ships no types
from jeepney.io.blocking import (  # type: ignore[import-untyped]
    Proxy,
    open_dbus_connection,
)

from hexauth.sandbox.faults import parse
from hexauth.sandbox.serve import Sandbox
from hexauth.vault.quick import BUS, bus_address
from tests.cli.test_cli_git import HOST, Git
from tests.conftest import Machine, Serve
from tests.secret_service import Start, change, items, lock

Make = Callable[[Sandbox], Machine]

LOGIN = ("login", "--no-browser")
PROMPTER = "org.gnome.keyring.SystemPrompter"
"""Whoever has this name on the bus is asked by GNOME Keyring to show a window, and waited for."""

NOWHERE = [
    pytest.param("unix:path=/nowhere/bus", id="a session that is over"),
    pytest.param(
        "",
        id="no session",
        marks=pytest.mark.skipif(
            bus_address({}) is not None, reason="systemd keeps a bus for this user"
        ),
    ),
]
"""Addresses behind which there is no keyring, as ssh, cron and an old tmux have them."""


FORGETFUL = """
from keyring.backends import null
class Keyring(null.Keyring): pass
"""


@pytest.fixture
def desktop(secret_service: Start, machine: Make) -> Iterator[Callable[..., Machine]]:
    """Return a function that makes a machine with a keyring, where nobody has chosen a vault."""
    with ExitStack() as stack:

        def make(sandbox: Sandbox, password: str | None = "password") -> Machine:
            found = machine(sandbox)
            del found.environ["HEXAUTH_VAULT"]
            found.environ["HEXAUTH_CACHE"] = "off"  # it is the keyring that is to answer
            found.environ[BUS] = stack.enter_context(secret_service(password))[0][BUS]
            return found

        yield make


@pytest.fixture
def sandbox(serve: Serve) -> Sandbox:
    """Start a server that approves every login at once."""
    return serve(approve_after=0)


@pytest.fixture
def here(sandbox: Sandbox, desktop: Make) -> Machine:
    """Log in on a machine with an unlocked keyring."""
    found = desktop(sandbox)
    done = found.hexauth(*LOGIN)
    assert done.returncode == 0, done.stderr
    return found


def test_a_keyring_that_answers_keeps_the_login_and_no_file_does(here: Machine) -> None:
    kept, text = items(here.environ[BUS]), written(here)

    assert sorted(name.rpartition("/")[2] for name in kept) == ["access", "refresh"]
    assert here.token() in "".join(kept.values())
    assert [secret for secret in (*kept.values(), "eyJ") if secret in text] == []
    assert not (here.home / "hexauth/vault").exists()


def test_a_login_needs_keyring_the_package_for_nothing(sandbox: Sandbox, desktop: Make) -> None:
    """It takes 50 ms to import; what speaks to the Secret Service is ours."""
    here = desktop(sandbox)

    done = here.hexauth(*LOGIN, environ={"PYTHONPROFILEIMPORTTIME": "1"})

    assert done.returncode == 0
    assert b" secretstorage\n" in done.stderr
    assert b" keyring\n" not in done.stderr


def test_status_names_the_keyring_and_why(here: Machine) -> None:
    shown = " ".join(here.hexauth("status").stdout.decode().split())

    assert "keyring: the Secret Service (GNOME Keyring, KWallet, KeePassXC …)" in shown
    assert "this is where it was put when it was stored" in shown


def test_status_says_beforehand_that_a_keyring_answers(sandbox: Sandbox, desktop: Make) -> None:
    vault = desktop(sandbox).status()["logins"][0]["vault"]

    assert (vault["name"], vault["why"]) == ("keyring", "an OS keyring answers here")


def test_an_expired_token_is_refreshed_and_kept(sandbox: Sandbox, here: Machine) -> None:
    old = here.token()
    expire(here)

    new = here.token()

    assert sandbox.journal.counts()["refresh"] == 1
    assert (new != old, here.token()) == (True, new)
    assert sandbox.journal.counts()["refresh"] == 1


def test_many_gets_at_once_make_one_refresh(sandbox: Sandbox, here: Machine) -> None:
    """The server takes its time, so that they all come while the first one waits for it."""
    expire(here)
    sandbox.faults.add(parse("slow:2@refresh"))
    command = ("hexauth", "get", "hexpm", "--format", "token", "--no-login")

    with ExitStack() as stack:
        running = [stack.enter_context(here.start(*command)) for _ in range(8)]
        answers = [process.communicate(timeout=60) for process in running]

    assert {(out[:3], err) for out, err in answers} == {(b"eyJ", b"")}
    assert (len(set(answers)), sandbox.journal.counts()["refresh"]) == (1, 1)


def test_logout_leaves_nothing_in_the_keyring(sandbox: Sandbox, here: Machine) -> None:
    assert here.hexauth("logout").returncode == 0

    assert (items(here.environ[BUS]), sandbox.hexpm.sessions()) == ({}, [])


def test_logging_in_to_the_file_takes_the_login_out_of_the_keyring(
    sandbox: Sandbox, here: Machine
) -> None:
    done = here.hexauth(*LOGIN, "--vault", "file", "--name", "file")

    assert (done.returncode, items(here.environ[BUS])) == (0, {})
    assert [session.name for session in sandbox.hexpm.sessions()] == ["file"]
    del here.environ[BUS]
    assert here.token()


@pytest.mark.parametrize("address", NOWHERE)
def test_a_login_moves_to_the_file_even_from_a_keyring_that_is_gone(
    sandbox: Sandbox, here: Machine, address: str
) -> None:
    """That is what the error of the keyring advises."""
    here.environ[BUS] = address

    done = here.hexauth(*LOGIN, "--vault", "file")

    assert done.returncode == 0, done.stderr
    assert b"The login before this one could not be ended: No keyring answers" in done.stderr
    assert here.token()
    assert sandbox.journal.counts()["device_authorization"] == 2


def test_what_is_left_in_a_keyring_is_no_login_to_stay_with(
    sandbox: Sandbox, here: Machine
) -> None:
    bus, here.environ[BUS] = here.environ[BUS], "unix:path=/nowhere/bus"
    here.hexauth(*LOGIN, "--vault", "file")
    here.environ[BUS] = bus

    done = here.hexauth(*LOGIN, "--vault", "keyring")

    assert b"already" not in done.stderr
    assert (done.returncode, here.status()["logins"][0]["vault"]["name"]) == (0, "keyring")
    assert "eyJ" not in written(here)


def test_logging_in_to_the_keyring_takes_the_login_out_of_the_file(
    sandbox: Sandbox, desktop: Make
) -> None:
    here = desktop(sandbox)
    here.hexauth(*LOGIN, "--vault", "file")
    old = here.token()

    done = here.hexauth(*LOGIN, "--vault", "keyring", "--name", "keyring")

    assert (done.returncode, "eyJ" in written(here)) == (0, False)
    assert [session.name for session in sandbox.hexpm.sessions()] == ["keyring"]
    assert here.token() not in ("", old)


def test_logging_out_of_the_keyring_keeps_a_login_that_is_in_the_file(
    sandbox: Sandbox, desktop: Make
) -> None:
    here = desktop(sandbox)
    here.hexauth(*LOGIN, "--vault", "file")

    done = here.hexauth("logout", "--vault", "keyring")

    assert (done.returncode, len(sandbox.hexpm.sessions())) == (0, 1)
    assert here.token()


@pytest.mark.parametrize("address", NOWHERE)
def test_get_without_the_keyring_of_its_login_exits_7_and_makes_no_file(
    sandbox: Sandbox, here: Machine, address: str
) -> None:
    before = sandbox.journal.counts()

    done = here.hexauth("get", "hexpm", "--login", environ={BUS: address})

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (7, b"", 2)
    assert done.stderr.endswith(b"or log in to a file: `hexauth login --vault file`.\n")
    assert sandbox.journal.counts() == before
    assert not (here.home / "hexauth/vault").exists()
    assert here.token()


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({BUS: "unix:path=/nowhere/bus"}, b"the D-Bus session does not answer"),
        (
            {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"},
            b"PYTHON_KEYRING_BACKEND names keyring's null backend, which keeps nothing",
        ),
    ],
)
def test_a_first_login_without_any_keyring_says_that_it_goes_to_the_file(
    sandbox: Sandbox, desktop: Make, environ: dict[str, str], why: bytes
) -> None:
    here = desktop(sandbox)

    done = here.hexauth(*LOGIN, environ=environ)

    assert done.returncode == 0
    assert b"\n  kept in    " + bytes(here.home) in done.stderr
    assert b"\n  why there  no OS keyring: " + why in done.stderr


def test_a_locked_keyring_is_noticed_before_anybody_is_asked(
    sandbox: Sandbox, here: Machine
) -> None:
    lock(here.environ[BUS])

    done = {command: here.hexauth(*command.split()) for command in ("get hexpm --login", "login")}

    assert {command: answer.returncode for command, answer in done.items()} == {
        "get hexpm --login": 7,
        "login": 7,
    }
    assert b"hexauth: The keyring is locked" in done["login"].stderr
    assert sandbox.journal.counts()["device_authorization"] == 1


def test_status_names_the_vault_even_if_it_is_locked(here: Machine) -> None:
    """The person has come to see where the trouble is."""
    lock(here.environ[BUS])

    done = here.hexauth("status")

    assert (done.returncode, len(done.stderr.splitlines())) == (7, 2)
    assert b"hexauth: The keyring is locked" in done.stderr
    shown = b" ".join(done.stdout.split())
    assert b" state unknown, because the vault cannot be read" in shown
    assert b" vault keyring: the Secret Service" in shown
    assert here.status()["logins"][0]["state"] == "unknown"


def test_a_keyring_that_was_never_set_up_is_noticed_before_anybody_is_asked(
    sandbox: Sandbox, desktop: Callable[..., Machine]
) -> None:
    done = desktop(sandbox, None).hexauth(*LOGIN)

    assert (done.returncode, len(done.stderr.splitlines())) == (7, 2)
    assert sandbox.journal.counts()["device_authorization"] == 0


def test_a_window_that_nobody_answers_is_waited_for_as_long_as_was_set(
    sandbox: Sandbox, desktop: Callable[..., Machine]
) -> None:
    here = desktop(sandbox, None)
    with open_dbus_connection(here.environ[BUS]) as window:
        Proxy(message_bus, window).RequestName(PROMPTER)
        begin = time.monotonic()
        done = here.hexauth(*LOGIN, environ={"HEXAUTH_VAULT_TIMEOUT": "1"})
        took = time.monotonic() - begin

    assert (done.returncode, took < 20) == (7, True)
    assert b"hexauth: The keyring has not answered for 1 s." in done.stderr
    assert sandbox.journal.counts()["device_authorization"] == 0


def test_what_git_stores_rests_in_the_keyring_until_git_rejects_it(
    sandbox: Sandbox, desktop: Make
) -> None:
    here = desktop(sandbox)
    git, secret = Git(here), f"{HOST}username=alice\npassword=pässword \t;'\"\n"

    git("approve", secret)
    kept, filled = "".join(items(here.environ[BUS]).values()), git("fill", HOST)
    git("reject", secret)

    assert (filled, items(here.environ[BUS])) == (secret, {})
    assert json.loads(kept)[0]["username"] == "alice"
    assert git.raw("fill", HOST.encode()).returncode == 128
    assert not (here.home / "hexauth/vault").exists()


@pytest.mark.parametrize("kind", ["null", "fail"])
def test_a_backend_that_keeps_nothing_is_no_vault(
    sandbox: Sandbox, desktop: Make, kind: str
) -> None:
    backend = {"PYTHON_KEYRING_BACKEND": f"keyring.backends.{kind}.Keyring"}

    done = desktop(sandbox).hexauth(*LOGIN, "--vault", "keyring", environ=backend)

    assert (done.returncode, done.stderr.splitlines()[0].decode()) == (
        7, f"hexauth: PYTHON_KEYRING_BACKEND names keyring's {kind} backend, which keeps nothing.",
    )  # fmt: skip
    assert sandbox.journal.counts()["device_authorization"] == 0


def test_a_backend_that_forgets_is_noticed_before_anybody_is_asked(
    sandbox: Sandbox, desktop: Make
) -> None:
    """Reading works there, so that only a trial tells."""
    here = desktop(sandbox)
    (here.home / "forgetful.py").write_text(FORGETFUL)
    backend = {"PYTHON_KEYRING_BACKEND": "forgetful.Keyring", "PYTHONPATH": str(here.home)}

    done = here.hexauth(*LOGIN, environ=backend)

    assert done.returncode == 7
    assert b"hexauth: The keyring did not keep what was written to it." in done.stderr
    assert sandbox.journal.counts()["device_authorization"] == 0


def written(machine: Machine) -> str:
    """Return what all files below the machine's home folder hold."""
    return "".join(path.read_text() for path in machine.home.rglob("*") if path.is_file())


def expire(machine: Machine) -> None:
    """Let the access token in the keyring have ended in 1970."""

    def edit(said: str) -> str:
        return json.dumps(json.loads(said) | {"expires_at": 1})

    change(machine.environ[BUS], "/access", edit)
