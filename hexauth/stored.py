"""What other tools stored with hexauth: kept in drawers, each changed under a mutex of its own."""

from hexauth.model import Credential, Login, Target
from hexauth.mutex import Mutex
from hexauth.vault import Vault, drawers
from hexauth.vault.drawers import Stored
from hexauth.world import World

DRAWER_SECONDS = 60
"""The longest wait for another process that changes the same drawer."""


def find(world: World, target: Target, *, authtype: bool = True) -> Credential | None:
    """Return the credential stored last that answers `target`, or None.

    A target without protocol or host matches nothing (git's CVE-2020-11008). Raises `VaultError`.
    """
    if not target.protocol or not target.host:
        return None
    stored = drawers.find(_vault(world, target), target, world.now(), authtype=authtype)
    if stored is None:
        return None
    return Credential(
        target=Target(target.protocol, target.host, stored.path, stored.username),
        username=stored.username or "",
        secret=stored.secret,
        expires_at=stored.expires_at,
        source="store",
        authtype=stored.authtype,
        refresh_token=stored.refresh_token,
    )


def store(world: World, target: Target, stored: Stored, *, alone: bool = False) -> None:
    """Keep `stored` for the protocol and host of `target`, in place of what it had there before.

    `alone` lets nothing else be kept for that host; then the user name is noted in the index, as
    a name that can be listed. Raises `VaultError`.
    """
    with _mutex(world, target).held(DRAWER_SECONDS):
        drawers.put(_vault(world, target), target, stored, alone=alone)
        what = {"protocol": str(target.protocol), "host": str(target.host)}
        if alone:
            what["username"] = stored.username or ""
        world.note(drawers.name(target), **what)


def erase(world: World, target: Target, secret: str | None) -> None:
    """Forget every stored credential that answers `target`; with `secret`, only those equal to it.

    Raises `VaultError`.
    """
    vault = _vault(world, target)
    if drawers.find(vault, Target(target.protocol, target.host), float("-inf")) is None:
        return
    with _mutex(world, target).held(DRAWER_SECONDS):
        if not drawers.take(vault, target, secret):
            world.forget(drawers.name(target))


def _vault(world: World, target: Target) -> Vault:
    return world.vault(drawers.name(target))


def _mutex(world: World, target: Target) -> Mutex:
    name = Login(drawers.name(target), "drawer").name
    return Mutex(world.places.state / f"{name}.lock")
