"""The file vault's passphrase: from the environment, a file, or a command."""

from collections.abc import Callable, Mapping
from pathlib import Path

from hexauth.errors import VaultError
from hexauth.machine.programs import find_program, without_secrets
from hexauth.world.settings import Settings

COMMAND_SECONDS = 60
"""The longest that a passphrase command may take; it may ask a person."""


def passphrase_source(settings: Settings, environ: Mapping[str, str]) -> Callable[[], bytes | None]:
    """Return a function that gives the file vault's passphrase, or None if none is set.

    The function raises `VaultError` when the passphrase's file or command gives nothing.
    """

    def passphrase() -> bytes | None:
        if settings.passphrase:
            return settings.passphrase.encode()
        if settings.passphrase_file:
            return _first_line(_content(settings.passphrase_file), "The passphrase file")
        if settings.passphrase_command:
            output = _output(settings.passphrase_command, environ)
            return _first_line(output, "The passphrase command")
        return None

    return passphrase


def _content(path: str) -> bytes:
    try:
        return Path(path).expanduser().read_bytes()
    except (OSError, RuntimeError) as error:
        why = error.strerror if isinstance(error, OSError) else "nobody has such a home"
        raise VaultError(
            f"The passphrase file {path} cannot be read: {why}.",
            hint="Check HEXAUTH_PASSPHRASE_FILE, or passphrase_file in config.toml.",
        ) from None


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
