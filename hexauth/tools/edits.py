"""Changing other programs' files: whole or not at all, and only as they were seen."""

import re
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from hexauth.errors import HexauthError
from hexauth.machine.files import make_folder, write_private
from hexauth.machine.private import read_regular

Content = bytes | None
"""What a file holds; None if there is none."""


@dataclass(frozen=True)
class Place:
    """A file in which hexauth may be named, and how it is put there, taken out, and found."""

    path: Path
    put: Callable[[Content], Content]
    take: Callable[[Content], Content]
    has: Callable[[Content], bool]
    check: Callable[[bytes], None] = lambda content: None
    """Raises `UsageError` for what the program could not read."""
    is_program: bool = False
    """Whether it is a program, in a folder of hexauth's own that goes when it is empty."""


@dataclass(frozen=True)
class Edit:
    """A change of one file."""

    path: Path
    before: Content
    after: Content
    is_program: bool = False

    def shown(self) -> list[str]:
        """Return what changes, as diff(1) shows it; the rest of the file may be secret."""
        old, new = (self._pieces(content) for content in (self.before, self.after))
        old_name, new_name = (
            "/dev/null" if content is None else str(self.path)
            for content in (self.before, self.after)
        )
        return list(unified_diff(old, new, old_name, new_name, n=0, lineterm=""))

    def _pieces(self, content: Content) -> list[str]:
        """Return the lines of a file; of JSON, which may all be on one line, the members."""
        text = (content or b"").decode("utf-8", "replace")
        if self.path.suffix == ".json":
            text = re.sub(r"(?<=[,{\[])(?![\n])|(?=[}\]])", "\n", text)
        return [line for line in text.splitlines() if line.strip()]

    def carry_out(self) -> None:
        """Write the file, by way of a temporary one; its mode stays, and a link stays a link.

        Raises `HexauthError` if somebody has changed it meanwhile, OSError if it cannot be written.
        """
        path = self.path.resolve()
        if read(path) != self.before:
            raise HexauthError(
                f"{self.path} is being changed just now.",
                hint="Nothing was changed by hexauth: try again.",
            )
        if self.after is None:
            path.unlink()
            if self.is_program:
                with suppress(OSError):  # others are in it
                    self.path.parent.rmdir()
                    self.path.parent.parent.rmdir()
            return
        make_folder(path.parent)
        new = 0o755 if self.is_program else 0o600
        mode = new if self.before is None else stat.S_IMODE(path.stat().st_mode)
        write_private(path, self.after, mode, lasting=True)


def read(path: Path) -> Content:
    """Return what the file at `path` holds; None if there is none. Raises OSError."""
    try:
        return read_regular(path)[0]
    except FileNotFoundError:
        return None


def plan(places: list[Place], *, undo: bool) -> list[Edit]:
    """Return the changes that put hexauth into `places`, or take it out; none that change nothing.

    Raises `UsageError` for a file that makes no sense, before and after, and OSError.
    """
    edits = []
    for place in places:
        before = read(place.path)
        if before is not None:
            place.check(before)
        after = place.take(before) if undo else place.put(before)
        if after is not None:
            place.check(after)
        if after != before:
            edits.append(Edit(place.path, before, after, place.is_program))
    return edits
