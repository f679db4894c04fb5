"""Which keyring there is on this machine."""

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Protocol

from hexauth.errors import VaultError
from hexauth.machine.folders import base_folder
from hexauth.vault.quick import BUS, bus_address, is_for_keyring_to_say

DIRECT = {
    "darwin": ("keyring.backends.macOS", "Keyring", "the macOS Keychain"),
    "win32": ("keyring.backends.Windows", "WinVaultKeyring", "the Windows Credential Manager"),
}
LINUX = "the Secret Service (GNOME Keyring, KWallet, KeePassXC …)"


class Backend(Protocol):
    """The part of `keyring.backend.KeyringBackend` that a vault needs."""

    def get_password(self, service: str, username: str) -> str | None:
        """Return the secret, or None."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Create or replace the secret."""

    def delete_password(self, service: str, username: str) -> None:
        """Remove the secret; raises PasswordDeleteError if there is none."""


def announce_bus(environ: Mapping[str, str], platform: str) -> None:
    """Put the D-Bus session's address where jeepney looks for it, or take it away from there.

    `jeepney.bus.find_session_bus` reads `os.environ` and nothing else. Programs started later
    inherit the address, and find the bus they would find on the desktop. An address that
    `environ` does not know goes away, so that nothing reaches a keyring the caller left out.
    """
    if platform in DIRECT:
        return
    address = bus_address(environ)
    if address:
        os.environ[BUS] = address
    else:
        os.environ.pop(BUS, None)


def secret_service_missing(environ: Mapping[str, str]) -> str | None:
    """Return why no Secret Service answers on the D-Bus session, or None if one does.

    It starts and unlocks nothing: one that the bus would start when needed counts.
    """
    address = bus_address(environ)
    if not address:
        return "there is no D-Bus session"
    try:
        # 10 ms; jeepney ships no types, and comes with keyring on Linux only.
        from jeepney.bus_messages import message_bus  # type: ignore[import-untyped]
        from jeepney.io.blocking import Proxy, open_dbus_connection  # type: ignore[import-untyped]

        with open_dbus_connection(address) as connection:
            bus = Proxy(message_bus, connection, timeout=2)
            name = "org.freedesktop.secrets"
            if bus.NameHasOwner(name)[0] or name in bus.ListActivatableNames()[0]:
                return None
    except ImportError:
        return "the Python package jeepney is missing"
    except Exception as error:  # a strange address raises RuntimeError, KeyError …
        return f"the D-Bus session does not answer ({type(error).__name__})"
    return "there is no Secret Service on the D-Bus session"


def configured(environ: Mapping[str, str], platform: str) -> str:
    """Return who names a backend of keyring's: an environment variable, a file, or "" for none."""
    if environ.get("PYTHON_KEYRING_BACKEND"):
        return "PYTHON_KEYRING_BACKEND"
    # As keyring.util.platform_ does; importing it costs 85 ms.
    if platform == "win32":
        local = environ.get("LOCALAPPDATA") or environ.get("ProgramData") or "."
        file = Path(local, "Python Keyring", "keyringrc.cfg")
    else:
        file = keyringrc(environ)
    return str(file) if file.exists() else ""


def keyringrc(environ: Mapping[str, str]) -> Path:
    """Return where keyring's own configuration is on POSIX, if there is one."""
    return base_folder(environ, "XDG_CONFIG_HOME") / "python_keyring" / "keyringrc.cfg"


def find_backend(environ: Mapping[str, str], platform: str = sys.platform) -> tuple[Backend, str]:
    """Return the backend to use here, and its name in words; raises `VaultError` if there is none.

    What keyring's own configuration names comes first. Otherwise the platform's own backend is
    made directly, on Linux one of ours that does as keyring's: discovery costs another 55 to
    140 ms, and runs the code of every package that claims to be a backend.
    """
    announce_bus(environ, platform)
    named = _named(environ, platform)
    if named is not None:
        return named
    if platform in DIRECT:
        return _made(*DIRECT[platform])
    missing = secret_service_missing(environ)
    if missing is None and not is_for_keyring_to_say(environ):
        from hexauth.vault.secret_service import SecretService

        return SecretService(), LINUX
    return _detected(missing or "no backend of keyring's works here")


def available(environ: Mapping[str, str], platform: str = sys.platform) -> str | None:
    """Return None if a keyring answers here, or else the reason why not, in a few words.

    Nothing is unlocked: a locked keyring answers. Weak stand-ins, and what other packages offer
    as a keyring, count only if keyring's own configuration names them.
    """
    direct = platform not in DIRECT and not is_for_keyring_to_say(environ)
    if direct and not configured(environ, platform):
        return secret_service_missing(environ)
    try:
        find_backend(environ, platform)
    except VaultError as error:
        return str(error).rstrip(".")
    return None


def would_ask(environ: Mapping[str, str], platform: str) -> str | None:
    """Return why a keyring would ask the person before it answers; None if it would not.

    What keyring's own configuration names is taken for one that asks nobody, unless it is the
    Secret Service. Raises what jeepney and secretstorage do.
    """
    address, named = bus_address(environ), configured(environ, platform)
    if platform in DIRECT or not address:
        return None
    if named and "SecretService" not in environ.get("PYTHON_KEYRING_BACKEND", ""):
        return None
    if not named and is_for_keyring_to_say(environ):
        return "keyring itself chooses it, and a wallet may ask to be opened"
    if secret_service_missing(environ) is not None:
        return None
    from jeepney.io.blocking import open_dbus_connection
    from secretstorage.collection import get_collection_by_alias
    from secretstorage.exceptions import ItemNotFoundException

    with open_dbus_connection(address) as connection:
        try:
            is_locked = get_collection_by_alias(connection, "default").is_locked()
        except ItemNotFoundException:
            return "it has never been set up, and would ask for a new password"
    return "it is locked, and would ask to be unlocked" if is_locked else None


def describe(environ: Mapping[str, str], platform: str = sys.platform) -> str:
    """Say in a few words which keyring `find_backend` would take, without asking it anything."""
    source = configured(environ, platform)
    if source == "PYTHON_KEYRING_BACKEND":
        return f"the keyring backend {environ[source]}, chosen by {source}"
    if source:
        return f"the keyring backend chosen by {source}"
    return DIRECT[platform][2] if platform in DIRECT else LINUX


def _named(environ: Mapping[str, str], platform: str) -> tuple[Backend, str] | None:
    """Return the backend that keyring's own configuration names; None if it names none."""
    source = configured(environ, platform)
    if not source:
        return None
    import keyring.core  # 85 ms

    try:
        if source == "PYTHON_KEYRING_BACKEND":
            backend = keyring.core.load_keyring(environ[source])
        else:
            found = keyring.core.load_config()
            if found is None:
                return None
            backend = found
    except Exception as error:
        raise _unusable(f"The keyring backend that {source} names", type(error).__name__) from None
    return _usable(backend, source), describe(environ, platform)


def _made(module: str, name: str, words: str) -> tuple[Backend, str]:
    """Return a backend of keyring's, if it is viable: its `priority` raises if it is not."""
    try:
        kind = getattr(import_module(module), name)  # 85 ms
        kind.priority  # noqa: B018  (a property that raises)
        backend: Backend = kind()
    except Exception as error:
        raise _unusable(words[0].upper() + words[1:], type(error).__name__) from None
    return backend, words


def _detected(missing: str) -> tuple[Backend, str]:
    """Return what keyring itself would take, among the backends it recommends.

    The others store plain text, or nothing; only a person's own choice makes them a vault.
    """
    import keyring.core  # 85 ms, and 55 to 140 ms for the search

    try:
        keyring.core.init_backend(keyring.core.recommended)
        backend = keyring.core.get_keyring()
        return _usable(backend, "keyring"), f"the keyring backend {path(backend)}"
    except Exception:  # a backend that stopped working since keyring first looked at it, too
        raise VaultError(
            f"No keyring answers here: {missing}.",
            hint="Try again where one does, or log in to a file: `hexauth login --vault file`.",
        ) from None


def _usable(backend: Backend, source: str) -> Backend:
    if path(backend) in {"keyring.backends.fail.Keyring", "keyring.backends.null.Keyring"}:
        kind = path(backend).split(".")[2]
        raise VaultError(
            f"{source} names keyring's {kind} backend, which keeps nothing.",
            hint="Choose another backend, or keep secrets in a file: `--vault file`.",
        )
    return backend


def _unusable(what: str, why: str) -> VaultError:
    return VaultError(
        f"{what} cannot be used here ({why}).",
        hint="Choose another backend, or keep secrets in a file: `--vault file`.",
    )


def path(backend: object) -> str:
    """Return the dotted name of a backend's class, as PYTHON_KEYRING_BACKEND would name it."""
    return f"{type(backend).__module__}.{type(backend).__qualname__}"
