"""What other tools stored with hexauth: kept in drawers, each changed under a mutex of its own."""

from hexauth.model import Credential, Target
from hexauth.vault import drawers
from hexauth.vault.drawers import Stored
from hexauth.vault.home import Home


def find(home: Home, target: Target, *, authtype: bool = True) -> Credential | None:
    """Return the credential stored last that answers `target`, or None.

    A target without protocol or host matches nothing (git's CVE-2020-11008). Raises `VaultError`.
    """
    if not target.protocol or not target.host:
        return None
    stored = drawers.find(
        home.vaults.of(drawers.name(target)), target, home.now(), authtype=authtype
    )
    return None if stored is None else drawers.credential(stored, target)


def store(home: Home, target: Target, stored: Stored, *, alone: bool = False) -> None:
    """Keep `stored` for the protocol and host of `target`, in place of what it had there before.

    `alone` lets nothing else be kept for that host; then the user name is noted in the index, as
    a name that can be listed. Raises `VaultError`.
    """
    name = drawers.name(target)
    with home.vaults.changing(name, "drawer"):
        drawers.put(home.vaults.of(name), target, stored, alone=alone)
        user = {"username": stored.username or ""} if alone else {}
        where = {"protocol": str(target.protocol), "host": str(target.host)}
        home.vaults.note(name, **where, **user)


def erase(home: Home, target: Target, secret: str | None) -> None:
    """Forget every stored credential that answers `target`; with `secret`, only those equal to it.

    Raises `VaultError`.
    """
    name = drawers.name(target)
    vault = home.vaults.of(name)
    if drawers.find(vault, Target(target.protocol, target.host), float("-inf")) is None:
        return
    with home.vaults.changing(name, "drawer"):
        if not drawers.take(vault, target, secret):
            home.vaults.forget(name)
