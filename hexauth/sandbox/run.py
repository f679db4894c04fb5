"""Running a command against a sandbox: its environment, its signals and its exit code."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from hexauth.errors import HexauthError

MEMORY = Path("/dev/shm")  # noqa: S108  (wanted because it is memory; the folder's name is random)

REMOVED = (
    "HEX_API",
    "HEX_API_KEY",
    "HEX_REPOS_KEY",
    "HEX_MIRROR_URL",
    "HEX_MIRROR",
    "HEX_TRUSTED_MIRROR_URL",
    "HEX_TRUSTED_MIRROR",
    "HEX_OFFLINE",
    "HEXAUTH_ACCOUNT",
)
"""Variables that would point a Hex client at another server, or give it another credential."""

LOOPBACK = "127.0.0.1,localhost"

PASSED_ON = ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGINT")
"""The signals that a command gets when the sandbox does."""


class NotFound(HexauthError):
    """The command to run is not there (the shell's exit code for that)."""

    exit_code = 127
    hint = "Check its spelling, and that its folder is in PATH."


class NotExecutable(HexauthError):
    """The command to run is there, but cannot be started (the shell's exit code for that)."""

    exit_code = 126
    hint = "Make it executable, or name its interpreter in front of it."


def environment(
    environ: Mapping[str, str], api_url: str, home: str, repository_url: str | None = None
) -> dict[str, str]:
    """Return the environment for a command: the server `api_url`, secrets below `home`, no proxy.

    `repository_url` is where that server has packages, if it has any. Credentials and
    addresses of another server are left out.
    """
    kept = {name: value for name, value in environ.items() if name not in REMOVED}
    for name in ("NO_PROXY", "no_proxy"):
        others = kept.get(name, "")
        kept[name] = f"{others},{LOOPBACK}" if others else LOOPBACK
    mirror = {} if repository_url is None else {"HEX_TRUSTED_MIRROR_URL": repository_url}
    return {
        **kept,
        **mirror,
        "HEX_API_URL": api_url,
        "HEXAUTH_HOME": home,
        "HEXAUTH_VAULT": "file",
    }


@contextmanager
def temporary_home(memory: Path = MEMORY) -> Iterator[str]:
    """Make an empty folder, mode 0700, in memory where there is such a place; remove it at the end.

    Raises `HexauthError` if it cannot be made.
    """
    place = str(memory) if memory.is_dir() and os.access(memory, os.W_OK | os.X_OK) else None
    try:
        folder = tempfile.mkdtemp(prefix="hexauth-sandbox-", dir=place)
    except OSError as error:
        raise HexauthError(
            f"No temporary folder can be made: {error.strerror}.",
            hint="Free some space, or set TMPDIR to a folder that can be written.",
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run `command` to its end, pass signals on to it, and return its exit code as a shell would.

    That is 128 + N for a command that signal N ended. Raises `NotFound` and `NotExecutable`. Call
    it from the main thread.
    """
    program = find(command[0], environ)
    early: list[int] = []
    with signals(PASSED_ON, lambda number, frame: early.append(number)):
        try:
            process = subprocess.Popen([program, *command[1:]], env=dict(environ))
        except OSError as error:
            raise NotExecutable(f"{command[0]} cannot be started: {error.strerror}.") from error

        def pass_on(number: int, frame: FrameType | None) -> None:
            if number == signal.SIGINT and from_terminal():
                return  # the terminal has sent it to the command, too
            with suppress(OSError):
                process.send_signal(number)

        with signals(PASSED_ON, pass_on):
            for number in early:
                pass_on(number, None)
            code = process.wait()
    return 128 - code if code < 0 else code


def wait_for_end() -> None:
    """Wait until somebody presses Ctrl-C or ends this process; call it from the main thread."""
    end = threading.Event()
    with signals(("SIGTERM", "SIGINT", "SIGHUP"), lambda number, frame: end.set()):
        while not end.wait(3600 if sys.platform != "win32" else 0.2):
            pass


def find(name: str, environ: Mapping[str, str]) -> str:
    """Return the absolute path of a program; raises `NotFound` and `NotExecutable`."""
    found = shutil.which(name, path=environ.get("PATH", os.defpath))
    if found is not None:
        return str(Path(found).absolute())
    if os.sep in name and Path(name).exists():
        raise NotExecutable(f"{name} cannot be executed.")
    raise NotFound(f"The command {name} is not there.")


def from_terminal() -> bool:
    """Tell whether Ctrl-C goes to this process's group, and so to its command, by itself."""
    try:
        with Path("/dev/tty").open() as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False


@contextmanager
def signals(
    names: Sequence[str], handler: Callable[[int, FrameType | None], object]
) -> Iterator[None]:
    """Handle the named signals, as far as the platform has them, for the length of a block."""
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
