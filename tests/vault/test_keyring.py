"""The keyring vault: which backend it takes, and what it says when that fails."""

import os
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from keyring import errors

from hexauth.errors import VaultError
from hexauth.vault import quick
from hexauth.vault.backends import Backend
from hexauth.vault.keyring import KeyringVault, available, would_ask
from hexauth.vault.quick import BUS
from tests.secret_service import Start, lock

SECRET = "s3cret-value"


class Broken:
    """A backend that raises `error` on each call."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def get_password(self, service: str, username: str) -> str | None:
        raise self._error

    def set_password(self, service: str, username: str, password: str) -> None:
        raise self._error

    def delete_password(self, service: str, username: str) -> None:
        raise self._error


class Dropping(Broken):
    """A backend that keeps nothing and says nothing, as keyring's null backend."""

    def __init__(self) -> None:
        super().__init__(errors.PasswordDeleteError())

    def get_password(self, service: str, username: str) -> str | None:
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class Shortening(Dropping):
    """A backend that silently keeps the first ten characters."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get(service)

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service] = password[:10]

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service]


class Slow(Shortening):
    """A backend whose writes wait until somebody unlocks it."""

    def __init__(self) -> None:
        super().__init__()
        self.unlocked = threading.Event()

    def set_password(self, service: str, username: str, password: str) -> None:
        self.unlocked.wait()
        super().set_password(service, username, password)


@pytest.fixture
def slow() -> Iterator[Slow]:
    backend = Slow()
    yield backend
    backend.unlocked.set()


def refusal(work: Callable[[], object]) -> str:
    """Return what the error says, with its hint."""
    with pytest.raises(VaultError) as caught:
        work()
    return f"{caught.value} {caught.value.hint}"


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


class PromptDismissedException(Exception):
    """Has the name of secretstorage's."""


class DBusErrorResponse(Exception):
    """Has the name and shape of jeepney's."""

    name = "org.freedesktop.DBus.Error.Failed"


class WindowsError(OSError):
    """Has the shape of pywin32's."""

    winerror = 1312


MEANINGS = {
    "locked": (errors.KeyringLocked("x"), "The keyring is locked"),
    "dismissed": (caused(errors.InitError("x"), PromptDismissedException()), "is locked, and was"),
    "missing": (errors.NoKeyringError("x"), "The keyring is missing"),
    "full": (OSError(28, "x"), "The keyring failed: No space left on device."),
    "broken connection": (ConnectionResetError("x"), "the connection to it broke"),
    "no answer": (TimeoutError("x"), "the D-Bus session is busy or hangs"),
    "D-Bus": (DBusErrorResponse("x"), "D-Bus says org.freedesktop.DBus.Error.Failed"),
    "Windows": (WindowsError("x"), "The keyring failed: Windows error 1312."),
    "reads only": (NotImplementedError("x"), "its backend only reads"),
    "anything": (LookupError("x"), "The keyring failed: LookupError."),
}


@pytest.mark.parametrize(("error", "words"), MEANINGS.values(), ids=MEANINGS)
def test_error_of_a_backend_says_what_happened(error: Exception, words: str) -> None:
    """In one line, by a name that cannot hold a secret."""
    assert words in refusal(lambda: KeyringVault(backend=Broken(error)).read("entry"))


@pytest.mark.parametrize(("error", "words"), MEANINGS.values(), ids=MEANINGS)
def test_error_of_a_backend_says_what_to_do(error: Exception, words: str) -> None:
    """There is always the file."""
    assert "`--vault file`" in refusal(lambda: KeyringVault(backend=Broken(error)).check())


@pytest.mark.parametrize("kind", [errors.PasswordSetError, OSError, ValueError])
def test_secret_quoted_by_a_backend_is_not_passed_on(kind: type[Exception]) -> None:
    """Neither the message nor anything a traceback prints holds it."""
    vault = KeyringVault(backend=Broken(kind(f"cannot store {SECRET}")))
    try:
        vault.write("entry", SECRET)
    except VaultError as error:
        text = "".join(traceback.format_exception(error)) + error.hint

    assert SECRET not in text


def test_write_that_is_dropped_silently_is_noticed() -> None:
    """The null backend of keyring would lose a login so."""
    vault = KeyringVault(backend=Dropping())

    assert "did not keep what was written" in refusal(lambda: vault.write("entry", SECRET))


def test_value_that_is_shortened_silently_is_never_read() -> None:
    """No value is better than a wrong one."""
    vault = KeyringVault(backend=Shortening())
    refusal(lambda: vault.write("entry", "x" * 5000))

    assert vault.read("entry") is None


def test_delete_that_fails_is_noticed() -> None:
    """Backends raise the same error for "absent" and for "failed"."""

    class Sticky(Shortening):
        def delete_password(self, service: str, username: str) -> None:
            raise errors.PasswordDeleteError

    vault = KeyringVault(backend=Sticky())
    vault.write("entry", "short")

    assert "PasswordDeleteError" in refusal(lambda: vault.delete("entry"))


def test_check_leaves_no_probe(memory: Backend) -> None:
    """What `check` wrote is gone from the keyring."""
    KeyringVault(backend=memory).check()

    assert vars(memory)["secrets"] == {}


def test_each_entry_has_a_service_and_the_user_a_name(memory: Backend) -> None:
    """Windows moves entries that share a service, and drops those of nobody."""
    vault = KeyringVault("space", backend=memory)
    vault.write("hex.pm-1/access", "a")
    vault.write("hex.pm-1/refresh", "b")

    assert vars(memory)["secrets"] == {
        ("space/hex.pm-1/access", "hexauth"): "a",
        ("space/hex.pm-1/refresh", "hexauth"): "b",
    }


def test_namespaces_do_not_mix(memory: Backend) -> None:
    """HEXAUTH_HOME moves everything, the keyring's entries too."""
    KeyringVault("one", backend=memory).write("entry", "value")

    assert KeyringVault("two", backend=memory).read("entry") is None


@pytest.mark.parametrize("size", [1280, 1281, 5000])
def test_windows_secret_holds_1280_characters(windows: Backend, size: int) -> None:
    """Longer values are cut up front, without trying."""
    KeyringVault(backend=windows, platform="win32").write("entry", "x" * size)

    assert max(len(secret) for secret in vars(windows)["secrets"].values()) <= 1280


def test_late_write_is_waited_for(slow: Slow) -> None:
    """A write may happen after its time; `settle` tells when it is over."""
    vault = KeyringVault(backend=slow, seconds=0.05)
    refusal(lambda: vault.write("entry", "value"))
    slow.unlocked.set()
    vault.settle(60)

    assert vault.read("entry") == "value"


def test_call_while_a_write_is_late_fails_at_once(slow: Slow) -> None:
    """It would only queue up behind it."""
    vault = KeyringVault(backend=slow, seconds=0.05)
    refusal(lambda: vault.write("entry", "value"))

    assert "an earlier call" in refusal(lambda: vault.read("entry"))


DESCRIPTIONS = [
    ({}, "linux", "the Secret Service (GNOME Keyring, KWallet, KeePassXC …)"),
    ({}, "darwin", "the macOS Keychain"),
    ({}, "win32", "the Windows Credential Manager"),
    (
        {"PYTHON_KEYRING_BACKEND": "some.Keyring"},
        "darwin",
        "the keyring backend some.Keyring, chosen by PYTHON_KEYRING_BACKEND",
    ),
]


@pytest.mark.parametrize(("environ", "platform", "words"), DESCRIPTIONS)
def test_description_names_the_platforms_keyring(
    tmp_path: Path, environ: dict[str, str], platform: str, words: str
) -> None:
    """`status` shows which keyring it is, and who chose it."""
    vault = KeyringVault(environ={"HOME": str(tmp_path), **environ}, platform=platform)

    assert vault.describe() == words


REASONS = [
    ({}, "linux", "there is no D-Bus session"),
    ({quick.BUS: "nonsense"}, "linux", "the D-Bus session does not answer (ValueError)"),
    ({quick.BUS: "tcp:host=x"}, "linux", "the D-Bus session does not answer (RuntimeError)"),
    (
        {quick.BUS: "unix:path=/nonexistent"},
        "linux",
        "the D-Bus session does not answer (FileNotFoundError)",
    ),
    ({}, "darwin", "The macOS Keychain cannot be used here (RuntimeError)"),
    ({}, "win32", "The Windows Credential Manager cannot be used here (RuntimeError)"),
    (
        {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"},
        "linux",
        "PYTHON_KEYRING_BACKEND names keyring's fail backend, which keeps nothing",
    ),
    (
        {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"},
        "linux",
        "PYTHON_KEYRING_BACKEND names keyring's null backend, which keeps nothing",
    ),
    (
        {"PYTHON_KEYRING_BACKEND": "no.such.Keyring"},
        "linux",
        "The keyring backend that PYTHON_KEYRING_BACKEND names cannot be used here "
        "(ModuleNotFoundError)",
    ),
]


@pytest.fixture
def no_bus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """Make /run/user of the machine that runs the tests invisible: nobody's bus is knocked at."""
    monkeypatch.setattr(quick, "RUN_USER", str(tmp_path))
    return {"HOME": str(tmp_path)}


@pytest.mark.parametrize(("environ", "platform", "reason"), REASONS)
def test_unavailable_keyring_says_why(
    no_bus: dict[str, str], environ: dict[str, str], platform: str, reason: str
) -> None:
    """`auto` tells the person why it takes the file."""
    assert available({**no_bus, **environ}, platform) == reason


@pytest.mark.parametrize(("environ", "platform", "reason"), REASONS)
def test_vault_without_keyring_is_an_error(
    no_bus: dict[str, str], environ: dict[str, str], platform: str, reason: str
) -> None:
    """Whoever chose the keyring hears why there is none, and nothing else is used instead."""
    vault = KeyringVault(environ={**no_bus, **environ}, platform=platform)

    assert reason in refusal(lambda: vault.read("entry"))


def bus_socket(folder: Path) -> Path:
    path = folder / str(os.getuid()) / "bus"
    path.parent.mkdir()
    return path


def test_users_bus_is_found_without_a_session(tmp_path: Path) -> None:
    """Under ssh and cron nobody names it."""
    path = bus_socket(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))

        assert quick.bus_address({}, str(tmp_path)) == f"unix:path={path}"


def test_named_bus_comes_before_the_users(tmp_path: Path) -> None:
    """The environment is the person's own choice."""
    assert quick.bus_address({quick.BUS: "unix:path=/x"}, str(tmp_path)) == "unix:path=/x"


def test_what_is_no_socket_is_no_bus(tmp_path: Path) -> None:
    """A file of that name answers nothing."""
    bus_socket(tmp_path).touch()

    assert quick.bus_address({}, str(tmp_path)) is None


NOISY = """
import sys
from keyring.backend import KeyringBackend

print("noise at import")
print("more noise", file=sys.stderr)

class Keyring(KeyringBackend):
    priority = 1
    kept = {}

    def get_password(self, service, username):
        print("noise")
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        print("noise", password, file=sys.stderr)
        self.kept[service, username] = password

    def delete_password(self, service, username):
        del self.kept[service, username]
"""

USER = """
from hexauth.vault.keyring import KeyringVault, available
vault = KeyringVault()
vault.check()
vault.write("entry", "value")
print(available(), vault.read("entry"), vault.describe())
"""


def run(script: str, folder: Path, **environ: str) -> tuple[str, str]:
    """Run a script with `folder` as home and module path; return what it prints."""
    known = {"HOME": str(folder), "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**known, **environ},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout, done.stderr


def test_backend_named_by_the_environment_is_used_and_silenced(tmp_path: Path) -> None:
    """What it prints, at import too, reaches nobody."""
    (tmp_path / "noisy.py").write_text(NOISY)

    assert run(USER, tmp_path, PYTHON_KEYRING_BACKEND="noisy.Keyring") == (
        "None value the keyring backend noisy.Keyring, chosen by PYTHON_KEYRING_BACKEND\n",
        "",
    )


def test_backend_named_by_keyringrc_is_used(tmp_path: Path) -> None:
    """The configuration file of keyring itself counts."""
    (tmp_path / "noisy.py").write_text(NOISY)
    file = tmp_path / ".config" / "python_keyring" / "keyringrc.cfg"
    file.parent.mkdir(parents=True)
    file.write_text("[backend]\ndefault-keyring=noisy.Keyring\n")

    assert run(USER, tmp_path) == (f"None value the keyring backend chosen by {file}\n", "")


WINDOWS = """
import sys, types

class error(Exception):
    def __init__(self, winerror, funcname):
        self.winerror, self.funcname = winerror, funcname

kept = {}

def read(Type, TargetName):
    if TargetName not in kept:
        raise error(1168, "CredRead")
    return dict(kept[TargetName])

def write(credential, flags):
    blob = credential["CredentialBlob"].encode("utf-16-le")
    if len(blob) > 5 * 512:
        raise error(1783, "CredWrite")
    kept[credential["TargetName"]] = dict(credential, CredentialBlob=blob)

def delete(Type, TargetName):
    if kept.pop(TargetName, None) is None:
        raise error(1168, "CredDelete")

pywintypes, win32cred = types.ModuleType("pywintypes"), types.ModuleType("win32cred")
pywintypes.error = error
win32cred.CredRead, win32cred.CredWrite, win32cred.CredDelete = read, write, delete
win32cred.CRED_TYPE_GENERIC, win32cred.CRED_PERSIST_ENTERPRISE = 1, 3
sys.modules.update(pywintypes=pywintypes, win32cred=win32cred)

from hexauth.vault.keyring import KeyringVault, available
vault = KeyringVault(platform="win32")
for size in (5000, 20000, 3, 1281, 0):
    vault.write("entry", "x" * size)
    assert vault.read("entry") == "x" * size
vault.check()
vault.delete("entry")
vault.delete("entry")
print(available(platform="win32"), vault.read("entry"), kept)
"""


def test_keyrings_own_windows_backend_keeps_long_values(tmp_path: Path) -> None:
    """Over a stand-in for the Credential Manager, which refuses and misses as the real one."""
    assert run(WINDOWS, tmp_path) == ("None None {}\n", "")


def test_a_keyring_says_beforehand_whether_it_would_ask(secret_service: Start) -> None:
    with secret_service("password") as (environ, _):
        before = would_ask(environ)
        lock(environ[BUS])
        after = would_ask(environ)
    with secret_service(None) as (environ, _):
        new = would_ask(environ)

    assert before is None
    assert after == "it is locked, and would ask to be unlocked"
    assert new == "it has never been set up, and would ask for a new password"


@pytest.mark.parametrize(
    ("environ", "platform", "reason"),
    [
        ({}, "darwin", None),
        ({}, "win32", None),
        ({"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}, "linux", None),
        (
            {"XDG_CURRENT_DESKTOP": "KDE"},
            "linux",
            "keyring itself chooses it, and a wallet may ask to be opened",
        ),
        ({}, "linux", None),
    ],
)
def test_where_no_secret_service_answers_nobody_would_be_asked(
    tmp_path: Path, environ: dict[str, str], platform: str, reason: str | None
) -> None:
    nowhere = {"HOME": str(tmp_path), BUS: "unix:path=/nowhere"}

    assert would_ask({**nowhere, **environ}, platform) == reason
