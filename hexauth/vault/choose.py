"""Which vault is in use, and why."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hexauth.config import Settings
from hexauth.errors import VaultError
from hexauth.system import Places, find_program
from hexauth.vault import Vault

AUTO = "auto"
"""The index's entry for the vault that `auto` has chosen, so that it never wanders silently."""

NAMES = ("keyring", "file")

COMMAND_SECONDS = 60
"""The longest that a passphrase command may take; it may ask a person."""


@dataclass(frozen=True)
class Choice:
    """The name of a vault, and the reason it is the one in use."""

    name: str
    why: str


def choose(
    settings: Settings,
    environ: Mapping[str, str],
    entries: Mapping[str, Mapping[str, str]],
    entry: str,
    platform: str = sys.platform,
) -> Choice:
    """Return the vault for `entry`: the one that the settings name, or `auto`'s choice.

    `auto` looks where the index, `entries`, says that the entry is; a new entry goes where the
    first one went, and the first one into the OS keyring if one answers. Opens nothing: a vault
    that cannot be used says so at its first call.
    """
    if settings.vault != AUTO:
        return Choice(settings.vault, f"set by {settings.sources['vault']}")
    if (known := entries.get(entry, {}).get("vault")) in NAMES:
        return Choice(known, "this is where it was put when it was stored")
    if (first := entries.get(AUTO, {}).get("vault")) in NAMES:
        return Choice(first, f"chosen when hexauth first kept something; --vault {_other(first)}")
    from hexauth.vault.keyring import available

    reason = available(environ=environ, platform=platform)
    if reason is None:
        return Choice("keyring", "an OS keyring answers here")
    return Choice("file", f"no OS keyring: {reason}")


def _other(name: str) -> str:
    return f"{'file' if name == 'keyring' else 'keyring'} changes it"


def open_vault(
    name: str,
    settings: Settings,
    places: Places,
    environ: Mapping[str, str],
    platform: str = sys.platform,
) -> Vault:
    """Return the vault called `name`, `keyring` or `file`; nothing is read yet."""
    if name == "file":
        from hexauth.vault.file import FileVault

        return FileVault(places.vault, passphrase=passphrase_source(settings, environ))
    from hexauth.vault.keyring import KeyringVault

    return KeyringVault(
        places.namespace,
        seconds=settings.vault_timeout,
        mutex=places.state / "keyring.lock",
        environ=environ,
        platform=platform,
    )


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
            env=dict(environ),
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
