"""A private D-Bus with a Secret Service of its own, and keyrings that live in memory.

Nobody's real keyring is touched: every vault here is given a stand-in, or the address of a bus
that was started for the tests.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest
from keyring.errors import PasswordDeleteError

from hexauth.vault.backends import BUS, Backend, secret_service_missing

Service = tuple[dict[str, str], "subprocess.Popen[bytes]"]
"""The environment in which a Secret Service is found, and its process."""

PATIENCE = 20

WAIT = "import sys; print('ready', flush=True); sys.stdin.read()"

CONFIG = """
<busconfig>
  <type>session</type>
  <listen>unix:path={folder}/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
"""A bus that starts no services by itself: what answers on it is what a test put there."""


class Memory:
    """A keyring in memory, which refuses secrets of more than `most` UTF-16 characters.

    That is how Windows does it, in `CredWrite`, with error 1783 (RPC_X_BAD_STUB_DATA).
    """

    def __init__(self, most: int | None = None) -> None:
        self.secrets: dict[tuple[str, str], str] = {}
        self._most = most

    def get_password(self, service: str, username: str) -> str | None:
        return self.secrets.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self._most is not None and len(password.encode("utf-16-le")) > 2 * self._most:
            raise OSError(1783, "The stub received bad data")
        self.secrets[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.secrets.pop((service, username), None) is None:
            raise PasswordDeleteError("No such password!")


@pytest.fixture(autouse=True)
def no_late_calls() -> Iterator[None]:
    """Wait until the calls that a test left hanging, and then let go, have ended."""
    yield
    for thread in threading.enumerate():
        if thread.name == "hexauth keyring call":
            thread.join(PATIENCE)


@pytest.fixture
def memory() -> Backend:
    return Memory()


@pytest.fixture
def windows() -> Backend:
    return Memory(1280)


@pytest.fixture(scope="session")
def secret_service() -> Callable[[str | None], AbstractContextManager[Service]]:
    """Return what starts a Secret Service, unlocked by the password given, locked without."""
    for program, package in {
        "dbus-daemon": "dbus",
        "gnome-keyring-daemon": "gnome-keyring",
    }.items():
        if shutil.which(program) is None:
            message = f"The system package {package} is missing."
            if os.environ.get("CI") == "true":
                pytest.fail(message)
            pytest.skip(message)
    return _secret_service


@pytest.fixture(scope="session")
def unlocked(
    secret_service: Callable[[str | None], AbstractContextManager[Service]],
) -> Iterator[dict[str, str]]:
    """Hand out the environment in which an unlocked Secret Service is found."""
    with secret_service("password") as (environ, _):
        yield environ


def at_once(prepare: str, works: Iterable[str]) -> list[int]:
    """Run Python code in processes that wait for each other between `prepare` and their work.

    Returns their exit codes. They can import the modules in this folder.
    """
    with ExitStack() as stack:
        processes = [_waiting(stack, f"{prepare}\n{WAIT}\n{work}") for work in works]
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()
        for process in processes:
            assert process.stdin is not None
            process.stdin.close()
        return [process.wait(PATIENCE) for process in processes]


def _waiting(stack: ExitStack, code: str) -> "subprocess.Popen[bytes]":
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    )
    stack.enter_context(process)
    stack.callback(process.kill)
    return process


@contextmanager
def _secret_service(password: str | None) -> Iterator[Service]:
    # Below /tmp, since the path of a socket has 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="hx-", dir="/tmp") as name, ExitStack() as stack:
        folder = Path(name)
        environ = _environ(folder)
        (folder / "bus.conf").write_text(CONFIG.format(folder=folder))
        _start(stack, environ, "dbus-daemon", f"--config-file={folder}/bus.conf", "--nofork")
        _wait_until((folder / "bus").exists)
        unlock = [] if password is None else ["--unlock"]
        daemon = _start(
            stack, environ, "gnome-keyring-daemon", "--foreground", "--components=secrets", *unlock
        )
        assert daemon.stdin is not None
        with daemon.stdin:
            daemon.stdin.write((password or "").encode())
        _wait_until(lambda: secret_service_missing(environ) is None)
        yield environ, daemon


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


def _wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "a daemon did not come up"
        time.sleep(0.005)
