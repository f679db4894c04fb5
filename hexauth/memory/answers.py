"""The answers that `hot` reads: a login's, kept in memory until something changes.

The vault is the only truth. Whoever changes a login in it calls `outdate` first, under the token
mutex, and every answer ends, in whichever session's memory it lies. Only a holder of that mutex
writes answers. Dying in between costs time, and nothing else.
"""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hexauth import hot
from hexauth.errors import HexauthError, VaultError
from hexauth.machine.files import write_private
from hexauth.machine.private import private_folder
from hexauth.machine.terminal import shown
from hexauth.memory import lines
from hexauth.memory.folder import outdate, prune
from hexauth.memory.waiting import NEWS, OLD
from hexauth.model import LAST_SECOND, Kind, Token
from hexauth.world.outside import World

PAUSE_SECONDS = 5
"""How long others do not wait for an answer after somebody has tried in vain to get one."""


LEFT = b"left"
"""The name of the line with a token that could not be renewed, for as long as it lives."""


@dataclass(frozen=True)
class Reach:
    """What the answers of a login are for."""

    place: str | None = ""
    """What the file's name ends in, beside the surroundings: nothing for the usual login of
    `hexpm`, elsewhere the server's origin; None if there is to be no file."""
    account: str = ""
    """The account, if it is not the one that the surroundings alone would give."""
    origins: tuple[str, ...] | None = ()
    """The origins of which each target gets this token; None if not even `hexpm` does."""
    username: str = ""
    """The user name that goes with it."""


@dataclass(frozen=True)
class Answers:
    """The answers of the login whose token mutex is `mutex`."""

    world: World
    mutex: Path
    reach: Reach
    platform: str = sys.platform

    def write(self, token: Token, most: float = LAST_SECOND) -> None:
        """Let `token` be answered while it is fresh, for `most` seconds at most.

        The caller holds the token mutex. One without an end, such as an API key, does not belong
        into memory for good.
        """
        min_ttl = self.world.settings.min_ttl
        if not token.is_fresh(self.world.now(), min_ttl):
            return
        if token.expires_at is None or self.reach.origins is None:
            self.write_none()
            return
        with suppress(HexauthError):  # an answer that cannot be expressed is explained elsewhere
            answers = lines.answers(token, self.reach.username, min_ttl)
            first, last = lines.span(token, min_ttl)
            self._write((first, min(last, int(self.world.now() + most))), answers)

    def write_none(self, why: HexauthError | None = None) -> None:
        """Tell others that waiting for an answer is useless, and `why`, as they would find out too.

        The caller holds the token mutex.
        """
        self._write_for_now({} if why is None else {NEWS.decode(): _news(why)})

    def write_old(self, token: Token) -> None:
        """Let those who wait now have `token`, which could not be renewed, and nobody else.

        The caller holds the token mutex.
        """
        with suppress(HexauthError):
            min_ttl = self.world.settings.min_ttl
            answers = lines.answers(token, self.reach.username, min_ttl)
            old = {OLD.decode() + name: answers[name] for name in answers}
            left = {"facts": answers["facts"], LEFT.decode(): answers["token"]}
            self._write_for_now({**old, **left})

    def _write_for_now(self, answers: Mapping[str, bytes]) -> None:
        now = int(self.world.now())
        new = {"id": os.urandom(8).hex().encode()}  # nobody takes it for the one before
        self._write((now, now + PAUSE_SECONDS), {**answers, **new})

    def read(self, min_ttl: float | None = None) -> Token | None:
        """Return the access token that is cached, without its refresh token, if it is valid.

        It has to live for `min_ttl` seconds more, if not for those of the settings: then even one
        that could not be renewed is found.
        """
        name = self._name
        if name is None:
            return None
        found = hot.first(name, dict(self.world.environ))
        if min_ttl is not None and len(found) > 8:
            found = [*found[:8], b"%d" % LAST_SECOND, *found[9:]]
        margin = self.world.settings.min_ttl if min_ttl is None else min_ttl
        with suppress(ValueError):  # damaged: as good as absent
            facts, access = (hot.find(found, (b"", each)) for each in (b"facts", b"token"))
            if min_ttl is not None:
                access = access or hot.find(found, (b"", LEFT))
            if facts is None or access is None or found[3] != os.fsencode(self.mutex):
                return None
            issued_at, expires_at, scope, kind = facts.decode().split("\n")
            token = Token(
                access=access.decode().removesuffix("\n"),
                expires_at=int(expires_at),
                scope=scope,
                issued_at=int(issued_at),
                kind=Kind(kind),
            ).checked()
            return token if token.is_fresh(self.world.now(), margin) else None
        return None

    def outdate(self) -> None:
        """End every cached answer of this login, wherever it lies. Raises `VaultError`.

        The mutex's file grows by a byte, which no clock can undo.
        """
        if self.platform == "linux":
            outdate(self.mutex)

    def drop(self) -> None:
        """Remove the answers of every login of this home from memory, where this session sees it.

        Other sessions may have theirs elsewhere: `outdate` ends those.
        """
        name = self._surroundings()
        if self.platform != "linux" or name is None:
            return
        home = ",".join(name.split(",")[:2]) + ","
        temporary = f".{home}"[:100]  # as `write_private` calls it: of this home alone
        for folder in hot.folders(dict(self.world.environ)):
            with suppress(OSError):
                for path in Path(folder).iterdir():
                    if path.name.startswith((home, temporary)):
                        path.unlink()

    @property
    def _name(self) -> str | None:
        """The file's name; None if there is to be none, or flags have changed the settings."""
        settings, place, account = self.world.settings, self.reach.place, self.reach.account
        if self.platform != "linux" or not settings.cache or place is None:
            return None
        if settings.flagged - {"account"}:
            return None
        name = self._surroundings(**({"HEXAUTH_ACCOUNT": account} if account else {}))
        return f"{name},{hot.quoted(place)}" if name and place else name

    def _surroundings(self, **changes: str) -> str | None:
        """Return what the names of files begin with; keys that are given do not matter to them."""
        given = {"HEX_API_KEY": "", "HEX_REPOS_KEY": ""}
        return hot.file_name({**self.world.environ, **given, **changes})

    def _write(self, times: tuple[int, int], answers: Mapping[str, bytes]) -> None:
        """Write a file, or none if anything stands in the way: losing it costs time alone."""
        name = self._name
        if name is None:
            return
        config = os.fsencode(self.world.places.config)
        origins = self.reach.origins
        head = [
            hot.VERSION,
            config,
            hot.stamp(config),
            os.fsencode(self.mutex),
            lines.NOWHERE if origins is None else " ".join(origins).encode(),
            self.reach.username.encode(),
        ]
        with suppress(OSError, VaultError):
            if not any(b"\n" in line for line in head):
                _point(private_folder(self.world.places.state / "front") / name, head)
            lines.write(name, head, times, answers, self.world.environ)


def _news(why: HexauthError) -> bytes:
    """Return what a caller who has waited is told, whatever it asked for; nothing if it cannot be.

    What is not ASCII looks different in other surroundings.
    """
    texts = [shown(each) for each in (str(why), why.hint)]
    if not all(text.isascii() for text in texts):
        return b""
    return "\n".join([str(why.exit_code), *texts]).encode()


def _point(path: Path, head: list[bytes]) -> None:
    """Keep what a process needs to know of a login before it can wait for its mutex."""
    if hot.read(str(path)) == head:
        return
    write_private(path, b"\n".join(head))
    prune(str(path.parent))
