"""The real Secret Service when it is locked, hangs, or is not there any more."""

import os
import sys
import time
from collections.abc import Callable
from subprocess import run

import pytest
from jeepney.bus_messages import message_bus  # type: ignore[import-untyped]  # ships no types
from jeepney.io.blocking import (  # type: ignore[import-untyped]
    Proxy,
    open_dbus_connection,
)

from hexauth.errors import VaultError
from hexauth.vault.keyring import KeyringVault, available
from hexauth.vault.quick import BUS
from tests.secret_service import Start, lock
from tests.vault.conftest import join_late_calls


def refusal(work: Callable[[], object]) -> str:
    """Return what the error says."""
    with pytest.raises(VaultError) as caught:
        work()
    return str(caught.value)


def test_unlocked_secret_service_is_available(unlocked: dict[str, str]) -> None:
    """A desktop session has one."""
    assert available(unlocked) is None


CHOOSE = """
from hexauth.vault.keyring import KeyringVault, available
vault = KeyringVault()
vault.check()
print(available(), vault.describe())
"""


def test_under_kde_keyring_itself_chooses(unlocked: dict[str, str]) -> None:
    """KWallet has two interfaces, and keyring knows which one is better here."""
    environ = {**unlocked, "XDG_CURRENT_DESKTOP": "KDE", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = run([sys.executable, "-c", CHOOSE], env=environ, capture_output=True, check=True)

    assert (
        done.stdout + done.stderr
        == b"None the keyring backend keyring.backends.SecretService.Keyring\n"
    )


def test_locked_secret_service_is_available(secret_service: Start) -> None:
    """It is there; falling back to a file now would split a person's logins."""
    with secret_service(None) as (environ, _):
        assert available(environ) is None


def test_secret_service_that_was_never_set_up_is_called_locked(secret_service: Start) -> None:
    """It wants to ask for a new password, and there is no window to ask in."""
    with secret_service(None) as (environ, _):
        vault = KeyringVault(environ=environ)

        assert refusal(vault.check) == "The keyring is locked, and was not unlocked when it asked."


def test_locked_secret_service_is_called_locked(secret_service: Start) -> None:
    """There is no window to unlock it in."""
    with secret_service("password") as (environ, _):
        vault = KeyringVault(environ=environ)
        vault.write("entry", "value")
        lock(environ[BUS])

        assert (
            refusal(lambda: vault.read("entry"))
            == "The keyring is locked, and was not unlocked when it asked."
        )


def test_prompt_that_nobody_answers_ends_in_time(secret_service: Start) -> None:
    """The window may be on another screen; afterwards the call is still on its way."""
    with secret_service("password") as (environ, _):
        vault = KeyringVault(environ=environ, seconds=0.5)
        vault.write("entry", "value")
        lock(environ[BUS])
        with open_dbus_connection(environ[BUS]) as window:
            # GNOME Keyring asks whoever has this name, and waits.
            Proxy(message_bus, window).RequestName("org.gnome.keyring.SystemPrompter")
            begin = time.monotonic()
            answers = [refusal(lambda: vault.read("entry")) for _ in range(2)]
            took = time.monotonic() - begin
    join_late_calls()  # with its bus gone, the call ends

    assert [*answers, took < 5, refusal(lambda: vault.read("entry"))] == [
        "The keyring has not answered for 0.5 s.",
        "The keyring still has not answered an earlier call.",
        True,
        "The keyring does not answer: its socket or file is missing.",
    ]


def test_secret_service_that_died_is_named(secret_service: Start) -> None:
    """The connection to the bus works, but nobody is behind it."""
    with secret_service("password") as (environ, daemon):
        vault = KeyringVault(environ=environ)
        vault.write("entry", "value")
        daemon.kill()
        daemon.wait()

        assert (
            refusal(lambda: vault.read("entry"))
            == "The keyring does not answer: the Secret Service is not running."
        )


def test_bus_without_secret_service_is_named(secret_service: Start) -> None:
    """A minimal desktop has a bus, and no keyring on it."""
    with secret_service("password") as (environ, daemon):
        daemon.kill()
        daemon.wait()

        assert available(environ) == "there is no Secret Service on the D-Bus session"


def test_bus_that_is_gone_is_named(secret_service: Start) -> None:
    """The address outlives the session in tmux and screen."""
    with secret_service("password") as (environ, _):
        vault = KeyringVault(environ=environ)
        vault.write("entry", "value")

    assert [refusal(lambda: vault.read("entry")) for _ in range(2)] == [
        "The keyring does not answer: the connection to it broke.",
        "The keyring does not answer: its socket or file is missing.",
    ]


OTHER = """
import sys
from keyring.backends.SecretService import Keyring
from hexauth.vault.secret_service import SecretService
ours, theirs = SecretService(), Keyring()
for one, other in ((ours, theirs), (theirs, ours)):
    one.set_password("service", "user", "first")
    other.set_password("service", "user", "second")
    print(one.get_password("service", "user"), len(list(ours._collection.get_all_items())))
    other.delete_password("service", "user")
    print(one.get_password("service", "user"), other.get_password("service", "user"))
"""


def test_secret_service_is_spoken_to_as_keyring_does(unlocked: dict[str, str]) -> None:
    """Either replaces, reads and removes what the other has written: there is one item."""
    environ = {**unlocked, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = run([sys.executable, "-c", OTHER], env=environ, capture_output=True, check=True)

    count = done.stdout.split()[1].decode()  # other tests may have left items
    assert done.stdout.decode().split() == ["second", count, "None", "None"] * 2


CHOICE = """
import os
import keyring.core
from hexauth.vault import backends
keyring.core.init_backend(keyring.core.recommended)
ours = backends.find_backend(os.environ)[0]
print(backends.path(ours), backends.path(keyring.core.get_keyring()))
"""


@pytest.mark.parametrize(
    "surroundings",
    [{}, {"XDG_CURRENT_DESKTOP": "KDE"}, {"KEYRING_PROPERTY_SCHEME": "KeePassXC"}],
)
def test_the_backend_is_the_one_that_keyring_would_take(
    unlocked: dict[str, str], surroundings: dict[str, str]
) -> None:
    """Where ours takes its place, keyring would have taken its own for the Secret Service."""
    environ = {**unlocked, "PYTHONPATH": os.pathsep.join(sys.path), **surroundings}
    done = run([sys.executable, "-c", CHOICE], env=environ, capture_output=True, check=True)

    theirs = "keyring.backends.SecretService.Keyring"
    ours = theirs if surroundings else "hexauth.vault.secret_service.SecretService"
    assert done.stdout.decode().split() == [ours, theirs]
