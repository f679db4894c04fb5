"""What other tools stored with hexauth: kept in drawers, each changed under a mutex of its own."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from hexauth.credentials.short import surroundings
from hexauth.memory import kept
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
    vault, kept = home.vaults.of(drawers.name(target)), _kept(home, target)
    hear = kept.write if kept is not None and kept.read() is None else drawers.hear_nothing
    stored = drawers.find(vault, target, home.now(), authtype=authtype, hear=hear)
    return None if stored is None else drawers.credential(stored, target)


def store(home: Home, target: Target, stored: Stored, *, alone: bool = False) -> None:
    """Keep `stored` for the protocol and host of `target`, in place of what it had there before.

    `alone` lets nothing else be kept for that host; then the user name is noted in the index, as
    a name that can be listed. Raises `VaultError`.
    """
    name = drawers.name(target)
    with home.vaults.changing(name, "drawer"), _outdated(home, name):
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
    with home.vaults.changing(name, "drawer"), _outdated(home, name):
        if not drawers.take(vault, target, secret):
            home.vaults.forget(name)


def _kept(home: Home, target: Target) -> kept.Kept | None:
    """Return where in memory the drawer of `target` is kept for a while, if that is wanted."""
    settings, places, name = home.settings, home.places, surroundings()
    is_wanted = settings.cache and settings.cache_stored and not settings.flagged
    if not is_wanted or name is None or sys.platform != "linux" or home.environ is not os.environ:
        return None
    return kept.Kept(
        name,
        drawers.name(target),
        settings.cache_stored,
        str(places.config),
        str(places.state),
        home.environ,
    )


@contextmanager
def _outdated(home: Home, name: str) -> Iterator[None]:
    """End what is in memory of the drawer, also if a reader comes in between."""
    state = str(home.places.state)
    if sys.platform == "linux":
        kept.outdate(state, name)
    yield
    if sys.platform == "linux":
        kept.outdate(state, name)
