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
from hexauth.machine.files import private_folder, write_private
from hexauth.memory.folder import memory_folder
from hexauth.memory.unsaved import is_unsaved
from hexauth.model import Credential, Kind, Target, Token
from hexauth.protocols import bazel, git, shell
from hexauth.world.outside import World

PAUSE_SECONDS = 5
"""How long others do not wait for an answer after somebody has tried in vain to get one."""

MOST = 128
"""Surroundings that are remembered; more would be a script, or a test, that makes up new ones."""


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

    def write(self, token: Token) -> None:
        """Let `token` be answered while it is fresh. The caller holds the token mutex.

        One without an end, such as an API key, does not belong into memory for good.
        """
        min_ttl = self.world.settings.min_ttl
        if not token.is_fresh(self.world.now(), min_ttl):
            return
        if token.expires_at is None or self.reach.origins is None:
            self.write_none()
            return
        end = int(token.expires_at - token.margin(min_ttl))
        facts = [str(token.issued_at), str(token.expires_at), token.scope, token.kind]
        with suppress(HexauthError):  # an answer that cannot be expressed is explained elsewhere
            answers = {**self._answers(token), "facts": "\n".join(facts).encode()}
            self._write(max(token.issued_at - 60, 0), end, answers)

    def write_none(self) -> None:
        """Tell others that waiting for an answer is useless. The caller holds the token mutex."""
        now = int(self.world.now())
        self._write(now, now + PAUSE_SECONDS, {})

    def read(self) -> Token | None:
        """Return the access token that is cached, without its refresh token, if it is valid."""
        name = self._name
        if name is None:
            return None
        lines = hot.first(name, dict(self.world.environ))
        with suppress(ValueError):  # damaged: as good as absent
            facts, access = (hot.find(lines, (b"", each)) for each in (b"facts", b"token"))
            if facts is None or access is None or lines[3] != os.fsencode(self.mutex):
                return None
            issued_at, expires_at, scope, kind = facts.decode().split("\n")
            token = Token(
                access=access.decode().removesuffix("\n"),
                expires_at=int(expires_at),
                scope=scope,
                issued_at=int(issued_at),
                kind=Kind(kind),
            )
            return token if token.is_fresh(self.world.now(), self.world.settings.min_ttl) else None
        return None

    def outdate(self) -> None:
        """End every cached answer of this login, wherever it lies. Raises `VaultError`.

        The mutex's file grows by a byte, which no clock can undo.
        """
        if self.platform != "linux":
            return
        try:  # without a mutex there has been no answer
            os.truncate(self.mutex, self.mutex.stat().st_size + 1)
        except FileNotFoundError:
            return
        except OSError as error:
            raise VaultError(f"{self.mutex} cannot be changed: {error.strerror}.") from error

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
        flags = [name for name, source in settings.sources.items() if source.startswith("-")]
        if self.platform != "linux" or not settings.cache or place is None:
            return None
        if set(flags) - {"account"}:
            return None
        name = self._surroundings(**({"HEXAUTH_ACCOUNT": account} if account else {}))
        return f"{name},{hot.quoted(place)}" if name and place else name

    def _surroundings(self, **changes: str) -> str | None:
        """Return what the names of files begin with; keys that are given do not matter to them."""
        given = {"HEX_API_KEY": "", "HEX_REPOS_KEY": ""}
        return hot.file_name({**self.world.environ, **given, **changes})

    def _answers(self, token: Token) -> dict[str, bytes]:
        credential = Credential(
            target=Target(),
            username=self.reach.username,
            secret=token.access or "",
            kind=token.kind,
            expires_at=token.expires_at,
        )
        return {
            "git": git.render(credential),
            "git-authtype": git.render(credential, ["authtype"]),
            "bazel": bazel.render(credential, self.world.settings.min_ttl),
            **{form: shell.render(credential, form) for form in hot.FORMS if form != "git"},
        }

    def _write(self, first: int, last: int, answers: Mapping[str, bytes]) -> None:
        """Write a file, or none if anything stands in the way: losing it costs time alone."""
        name = self._name
        folder = None if name is None else memory_folder(self.world.environ)
        if folder is None:
            return
        config = os.fsencode(self.world.places.config)
        head = [
            hot.VERSION,
            config,
            hot.stamp(config),
            os.fsencode(self.mutex),
            " ".join(self.reach.origins or ()).encode(),
            self.reach.username.encode(),
        ]
        body = [hot.stamp(head[3]), b"%d" % first, b"%d" % last]
        body += [each.encode() + b" " + answers[each].replace(b"\n", b"\0") for each in answers]
        if any(b"\n" in line for line in head + body):
            return
        with suppress(OSError, VaultError):
            _point(private_folder(self.world.places.state / "front") / str(name), head)
            write_private(folder / str(name), b"\n".join(head + body))
            _prune(folder)


def _point(path: Path, head: list[bytes]) -> None:
    """Keep what a process needs to know of a login before it can wait for its mutex."""
    if hot.read(str(path)) == head:
        return
    write_private(path, b"\n".join(head))
    _prune(path.parent)


def _prune(folder: Path) -> None:
    """Remove the oldest files of `folder` if there are too many."""
    names = os.listdir(folder)  # noqa: PTH208  (every `write` asks, and nearly always for nothing)
    if len(names) > MOST:
        paths = [path for path in folder.iterdir() if not is_unsaved(path)]
        for path in sorted(paths, key=lambda path: path.stat().st_mtime)[:-MOST]:
            path.unlink(missing_ok=True)
