"""The vaults in use: which, why, how they are protected, and whether they keep what they get."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from hexauth.doctor.case import Case, exposed, is_changeable, unmakable
from hexauth.doctor.finding import Finding, ok, problem, warning
from hexauth.errors import VaultError
from hexauth.vault.contract import Vault
from hexauth.vault.file import FileVault
from hexauth.vault.logins import name as entry_name
from hexauth.vault.quick import NAMES, POSTGRES
from hexauth.world.told import masked

PASSPHRASE = ("passphrase", "passphrase_file", "passphrase_command")
"""The settings that tell the file vault's passphrase, the first of them first."""


def look(case: Case) -> Iterator[Finding]:
    """Yield what is to be said of each vault that is in use, and what lies in another."""
    usual = entry_name(case.settings.login)
    entries = dict.fromkeys([usual, *(name for name in case.vaults.entries() if "/" in name)])
    used = {case.vaults.choice(entry).name: entry for entry in reversed(entries)}
    for name, entry in used.items():
        yield ok(name, f"It is in use: {case.vaults.choice(entry).why}.")
        yield from _file(case) if name == "file" else ()
        yield from _tried(case, name, case.vaults.of(entry))
        yield from _database(case) if name == POSTGRES else ()
    yield from _elsewhere(case)


def _database(case: Case) -> Iterator[Finding]:
    """Yield what the database is, and whether its clock is this machine's."""
    database = case.vaults.database().database
    try:
        said = database.told()
    except VaultError:  # trying it has said so
        return
    way = "over TLS" if said.is_encrypted else "without encryption, on this machine"
    yield ok("database", f"PostgreSQL {said.version}, spoken to as {said.role} {way}.")
    if said.is_replica:
        yield warning("database", "It is a replica, which takes nothing.", "Name the primary.")
    if database.ahead:
        text = f"The database's is {database.ahead:+.0f} s off this machine's; it is allowed for."
        yield warning("clock", text, "Set the clock of the one that is wrong.")


def _file(case: Case) -> Iterator[Finding]:
    """Yield how the file vault is protected."""
    vault = FileVault(case.places.vault)
    source = next((each for each in PASSPHRASE if getattr(case.settings, each)), "")
    if source:
        yield _passphrase(case, source)
    try:
        is_encrypted = vault.is_encrypted()
    except VaultError:  # trying it says so
        return
    if is_encrypted:
        yield ok("protection", f"{vault.path} is encrypted with a passphrase.")
    elif is_encrypted is None:
        how = "encrypted with that passphrase" if source else "plain text"
        yield ok("protection", f"Nothing is kept in {vault.path} yet; it will be {how}.")
    else:
        yield warning(
            "protection",
            f"{vault.path} is plain text, readable by your user alone.",
            "The next login, or token, encrypts it."
            if source
            else "Set HEXAUTH_PASSPHRASE_FILE to encrypt it, or log in with the operating system's "
            "keyring: `hexauth login --vault keyring`.",
        )


def _passphrase(case: Case, name: str) -> Finding:
    source = case.settings.sources[name]
    if name != "passphrase_file":
        return ok("passphrase", f"It comes from {source}.")
    path = Path(case.settings.passphrase_file)
    try:
        mode = path.expanduser().stat().st_mode
    except (OSError, RuntimeError):
        return problem("passphrase", f"Its file {path} is not there.", f"Correct {source}.")
    if os.name == "posix" and mode & 0o077:
        text = f"Its file {path} is open to other users."
        return warning("passphrase", text, f"Run `chmod 600 {path}`.")
    return ok("passphrase", f"It comes from {path} ({source}).")


def _tried(case: Case, name: str, vault: Vault) -> Iterator[Finding]:
    """Write to a vault, and read it back, unless somebody would be asked or a file would stay."""
    if closed := case.closed(name):
        folder, grave = case.places.vault, warning
        advice = "Unlock it, then run `hexauth doctor` again."
        if name == "file":
            advice = "Run `hexauth get`, which does ask it."
        if name == "file" and exposed(folder):
            advice = f"Run `chmod 700 {folder}`, or set HEXAUTH_HOME to a folder of your own."
            grave = problem if is_changeable(folder) else warning
        yield grave("tried", f"It was not tried, as {closed}.", advice)
        return
    if name == "file" and not case.places.vault.is_dir():
        if why := unmakable(case.places.vault):
            yield problem("tried", f"It cannot be made: {why}.", "Set HEXAUTH_HOME to a folder.")
        return
    begun = time.monotonic()
    try:
        vault.check()
    except VaultError as error:
        yield problem("tried", str(error), error.hint)
        return
    taken = time.monotonic() - begun
    which = f" ({vault.describe()})" if name == "keyring" else ""
    yield ok("tried", f"It was written to and read back in {taken:.2f} s{which}.")


def _elsewhere(case: Case) -> Iterator[Finding]:
    """Yield what lies in a vault that is not in use for it."""
    for name in NAMES:
        lost = [
            masked(facts.get("server", "")) or facts.get("host") or facts.get("repository") or entry
            for entry, facts in case.vaults.entries().items()
            if "/" in entry
            and facts.get("vault") == name
            and case.vaults.choice(entry).name != name
        ]
        if lost:
            yield warning(
                f"left in {name}",
                f"This is in that vault, which is not in use: {', '.join(dict.fromkeys(lost))}.",
                "Log in, or store it, once more to have it here; or use the other vault again: "
                f"`--vault {name}`.",
            )
