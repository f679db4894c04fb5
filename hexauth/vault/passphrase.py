"""The file vault's passphrase: from the environment, a file, or a command."""

import errno
import os
import select
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from hexauth.errors import VaultError
from hexauth.machine.clock import Deadline
from hexauth.machine.files import BINARY
from hexauth.machine.private import who_else
from hexauth.machine.programs import find_program, without_secrets
from hexauth.world.settings import Settings

COMMAND_SECONDS = 60
"""The longest that a passphrase command may take; it may ask a person."""


FILE_BYTES = 1 << 16
"""The most that is read of the passphrase's file to find the end of its first line."""


def passphrase_source(
    settings: Settings, environ: Mapping[str, str], *, seconds: float = COMMAND_SECONDS
) -> Callable[[], bytes | None]:
    """Return a function that gives the file vault's passphrase, or None if none is set.

    The function raises `VaultError` when the passphrase's file or command gives nothing, a pipe
    within `seconds`.
    """

    def passphrase() -> bytes | None:
        if settings.passphrase:
            return settings.passphrase.encode()
        if settings.passphrase_file:
            return from_file(settings.passphrase_file, seconds)
        if settings.passphrase_command:
            output = _output(settings.passphrase_command, environ)
            return _first_line(output, "The passphrase command")
        return None

    return passphrase


def from_file(path: str, seconds: float = COMMAND_SECONDS) -> bytes:
    """Return the first line of the file at `path`; of a pipe, within `seconds`.

    Raises `VaultError` if there is none.
    """
    return _first_line(_content(path, seconds), f"The passphrase file {path}")


def _content(path: str, seconds: float) -> bytes:
    try:
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(Path(path).expanduser(), flags | BINARY)
        try:
            return _read(descriptor, seconds)
        finally:
            os.close(descriptor)
    except (OSError, RuntimeError) as error:
        why = error.strerror if isinstance(error, OSError) else "nobody has such a home"
        raise VaultError(
            f"The passphrase file {path} cannot be read: {why}.",
            hint="Check HEXAUTH_PASSPHRASE_FILE, or passphrase_file in config.toml.",
        ) from None


def _read(descriptor: int, seconds: float) -> bytes:
    """Return at least the first line of an open file or pipe. Raises OSError.

    A pipe is what shells make of `<(command)`; what is neither has no first line. A file may be
    root's, and readable by others, as that of a container is.
    """
    found = os.fstat(descriptor)
    is_pipe = stat.S_ISFIFO(found.st_mode)
    if not is_pipe and not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        raise OSError(errno.EINVAL, "it is neither a file nor a pipe")
    if others := who_else(found):
        raise OSError(errno.EPERM, others)
    content, end = b"", Deadline(seconds)
    while b"\n" not in content and len(content) < FILE_BYTES:
        if is_pipe and not select.select([descriptor], [], [], end.left())[0]:
            raise OSError(errno.ETIMEDOUT, f"nobody has written to it within {seconds:g} s")
        chunk = os.read(descriptor, FILE_BYTES)
        if not chunk:
            break
        content += chunk
    return content


def _output(command: str, environ: Mapping[str, str]) -> bytes:
    import shlex
    import subprocess

    hint = "Check HEXAUTH_PASSPHRASE_COMMAND, or passphrase_command in config.toml."
    try:
        words = shlex.split(command)
        program = find_program(words[0], environ) if words else None
        if program is None:
            raise VaultError("The passphrase command is not there.", hint=hint)
        done = subprocess.run(
            [program, *words[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=COMMAND_SECONDS,
            env=without_secrets(environ),
            check=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        raise VaultError("The passphrase command failed.", hint=hint) from None
    return done.stdout


def _first_line(text: bytes, what: str) -> bytes:
    line = text.split(b"\n")[0].rstrip(b"\r")
    if not line:
        raise VaultError(
            f"{what} gives an empty passphrase.", hint="Write one into its first line."
        )
    return line
