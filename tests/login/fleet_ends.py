"""What two hosts have come to, and whether it may be."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hexauth.errors import HexauthError
from hexauth.model import Token
from tests.login.fleet_database import Rows
from tests.login.fleet_server import MUTE, Hex
from tests.login.fleet_stage import CRASH, DEATH, PAUSE, SWITCH, Event

ENDS = {
    "b": "both have the new token",
    "f": "one host has it; the other one fails for now (exit 5, 6 or 7), and has it when it comes "
    "again",
    "n": "both fail for now (exit 6 or 7); nothing is lost, and whoever comes next has it",
    "o": "one host is gone, and the other one has the new token",
    "l": "the login is lost: a person has to log in again",
}
"""What a walk can end in, by letters."""


@dataclass
class Ended:
    """What a process has come to."""

    host: str
    token: Token | None = None
    error: HexauthError | None = None
    is_good: bool = False
    """Whether the token worked when it was handed out."""

    @property
    def what(self) -> str:
        if self.error is not None:
            return f"exit {self.error.exit_code}"
        if self.token is None:
            return "no login"
        return "token" if self.is_good else "dead token"


class Judged:
    """A course of events that has been walked."""

    plan: Sequence[Event]
    steps: Mapping[str, Sequence[str]]
    server: Rows
    hex: Hex
    ended: Sequence[Ended]
    saved: Sequence[str]
    """The refresh tokens that were on file, one after the other."""
    final: Sequence[str]
    """The one that is on file at last."""
    said: Sequence[str]
    """What people have been shown."""

    @property
    def codes(self) -> set[str]:
        """The codes that anybody was shown."""
        return set(re.findall(r"CODE-\d+", "".join(self.said)))

    @property
    def end(self) -> str:
        """The letter, in `ENDS`, of what the walk has ended in."""
        said = [each.what for each in self.ended]
        if self.final != [self.hex.good[1]]:
            return "l"
        if any(each in ("exit 5", "exit 6", "exit 7") for each in said):
            return "f" if said.count("token") else "n"
        return "b" if len(said) == 2 else "o"

    def faults(self) -> list[str]:
        """Return what must not be, and is."""
        said = [each.what for each in self.ended]
        codes = {each.error.exit_code for each in self.ended if each.error is not None}
        names = {name for name, _, _ in self.server.log}
        grown = {
            name: [version for each, version, _ in self.server.log if each == name]
            for name in names
        }
        wrong = {
            "an older token was saved": self.saved != sorted(self.saved),
            "a version did not grow": any(
                each != list(range(each[0], each[0] + len(each))) for each in grown.values()
            ),
            "somebody was asked twice": len(self.codes) > 1 and 5 not in codes,  # it expired
            "a dead token was handed out": "dead token" in said,
            "an exit code": not codes <= {6, 7} | ({5} if self._has(PAUSE) else set()),
            "no end": not self._has(DEATH) and len(self.ended) < 2,
        }
        if not self.is_hopeless:
            wrong |= {
                "a spent token was sent": len({*self.hex.sent}) < len(self.hex.sent),
                "the login has ended": "no login" in said or self.final != [self.hex.good[1]],
            }
        return [what for what, is_so in wrong.items() if is_so]

    def _has(self, what: str) -> bool:
        return any(event.what == what for event in self.plan)

    @property
    def is_hopeless(self) -> bool:
        """Whether it happened while the new token was nowhere, or with one that is out of reach.

        The server's answer was lost, or whoever had it died before it was kept; or its host has
        gone with its memory, or was away for longer than it is waited for, before it was saved.
        """
        for event in self.plan:
            steps = self.steps[event.host]
            if event.what == SWITCH or "send refresh_token" not in steps[: event.step]:
                continue
            is_saved = "commit" in steps[: event.step]
            if event.what == MUTE or (event.what == CRASH and steps[event.step].startswith("hear")):
                return True
            if event.what in (DEATH, PAUSE) and not is_saved:
                return True
        return False
