"""A private D-Bus with a Secret Service of its own: nobody's real keyring is touched."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import secretstorage
from jeepney.bus_messages import message_bus  # type: ignore[import-untyped]  # ships no types
from jeepney.io.blocking import (  # type: ignore[import-untyped]
    Proxy,
    open_dbus_connection,
)
from secretstorage.util import DBusAddressWrapper

from hexauth.vault.backends import secret_service_missing
from hexauth.vault.quick import BUS
from tests.waiting import until

Service = tuple[dict[str, str], "subprocess.Popen[bytes]"]
"""The environment in which a Secret Service is found, and its process."""

Start = Callable[[str | None], AbstractContextManager[Service]]

PATIENCE = 20

CONFIG = """
<busconfig>
  <type>session</type>
  <listen>unix:path={folder}/bus</listen>
  <servicedir>{folder}/services</servicedir>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
"""A bus that starts no services by itself: what answers on it is what a test put there."""

ACTIVATED = """
[D-BUS Service]
Name=org.freedesktop.secrets
Exec={program} --foreground --components=secrets
"""
"""A service that the bus starts when somebody calls it: locked, as nobody gives it a password."""


@contextmanager
def bus() -> Iterator[tuple[ExitStack, dict[str, str]]]:
    """Run a bus with nothing on it; hand out what ends with it, and the environment it is for."""
    # Below /tmp, since the path of a socket has 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="hx-", dir="/tmp") as name, ExitStack() as stack:
        folder = Path(name)
        environ = _environ(folder)
        (folder / "services").mkdir()
        (folder / "bus.conf").write_text(CONFIG.format(folder=folder))
        _start(stack, environ, "dbus-daemon", f"--config-file={folder}/bus.conf", "--nofork")
        until(lambda: _is_there(environ[BUS]), PATIENCE)
        yield stack, environ


def let_the_bus_start_it(environ: dict[str, str]) -> None:
    """Have the bus start a Secret Service again if the one there dies."""
    program = shutil.which("gnome-keyring-daemon")
    file = Path(environ["HOME"], "services", "org.freedesktop.secrets.service")
    file.write_text(ACTIVATED.format(program=program))
    with open_dbus_connection(environ[BUS]) as connection:
        Proxy(message_bus, connection).ReloadConfig()


@contextmanager
def running(password: str | None) -> Iterator[Service]:
    """Run a Secret Service, unlocked by `password`, or never set up without one."""
    with bus() as (stack, environ):
        unlock = [] if password is None else ["--unlock"]
        daemon = _start(
            stack, environ, "gnome-keyring-daemon", "--foreground", "--components=secrets", *unlock
        )
        assert daemon.stdin is not None
        with daemon.stdin:
            daemon.stdin.write((password or "").encode())
        until(lambda: secret_service_missing(environ) is None, PATIENCE)
        yield environ, daemon


def items(address: str) -> dict[str, str]:
    """Return every secret that the unlocked service at a bus's `address` holds, by its service."""
    with open_dbus_connection(address) as connection:
        return {
            item.get_attributes()["service"]: item.get_secret().decode()
            for item in secretstorage.search_items(connection, {})
        }


def change(address: str, ending: str, edit: Callable[[str], str]) -> None:
    """Replace the secret whose service has this `ending` by what `edit` makes of it."""
    with open_dbus_connection(address) as connection:
        for item in secretstorage.search_items(connection, {}):
            if item.get_attributes()["service"].endswith(ending):
                item.set_secret(edit(item.get_secret().decode()).encode())


def lock(address: str) -> None:
    """Lock the default collection, as closing a laptop does."""
    with open_dbus_connection(address) as connection:
        secretstorage.get_default_collection(connection).lock()


def unlock(address: str, password: str) -> None:
    """Unlock the default collection, as logging in to a desktop does."""
    with open_dbus_connection(address) as connection:
        path = "/org/freedesktop/secrets"
        service = DBusAddressWrapper(path, "org.freedesktop.Secret.Service", connection)
        private = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface"
        _, session = service.call("OpenSession", "sv", "plain", ("s", ""))
        secret = session, b"", password.encode(), "text/plain"
        collection = secretstorage.get_default_collection(connection).collection_path
        DBusAddressWrapper(path, private, connection).call(
            "UnlockWithMasterPassword", "o(oayays)", collection, secret
        )


def _is_there(address: str) -> bool:
    try:
        open_dbus_connection(address).close()
    except OSError:
        return False
    return True


def _environ(folder: Path) -> dict[str, str]:
    environ = {
        BUS: f"unix:path={folder}/bus",
        "HOME": str(folder),
        "PATH": os.environ.get("PATH", os.defpath),
    }
    for name in ("RUNTIME_DIR", "DATA_HOME", "CONFIG_HOME", "CACHE_HOME"):
        environ[f"XDG_{name}"] = str(folder / name.lower())
        (folder / name.lower()).mkdir(mode=0o700)
    return environ


def _start(stack: ExitStack, environ: dict[str, str], *words: str) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environ,
    )
    stack.callback(_end, process)
    return process


def _end(process: "subprocess.Popen[bytes]") -> None:
    with process:
        process.terminate()
