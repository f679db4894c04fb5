"""The record beside a mutex: what its holder is doing, or how the last attempt ended."""

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from hexauth.model import CLOCK_SLACK, LAST_SECOND, is_plain
from hexauth.vault.turns import Turn

WAITING = "waiting"
"""The state of a login whose holder waits for a person."""

RENEWING = "renewing"
"""The state of a refresh whose holder may have sent the refresh token: it may be spent."""

DONE = "done"
"""The state after an attempt that has brought a token."""


ADDRESSES = ("verification_uri", "verification_uri_complete")


@dataclass(frozen=True)
class Record:
    """What the holder of a mutex is doing, or how the last attempt ended.

    `attempt` counts the attempts of a login, or of a refresh, on this machine; `deadline` is in
    unix seconds, `lifetime` and `interval` in seconds (RFC 8628 section 3.2).
    """

    state: str = "idle"
    """`idle`; `WAITING`; `RENEWING`; `DONE`; or the name of the error that ended the attempt."""
    attempt: int = 0
    pid: int = 0
    message: str = ""
    caller: str = ""
    """The command that needs the login, as far as it is told."""
    terminal: str = ""
    """Which terminal its holder's screen is; empty if it is none, or nobody knows."""
    user_code: str = ""
    verification_uri: str = ""
    verification_uri_complete: str = ""
    device_code: str = field(default="", repr=False)
    interval: float = 0.0
    lifetime: float = 0.0
    deadline: float = 0.0
    browser_missing: bool = False
    """Whether the holder has tried to open a browser, and could not."""
    approved: bool = False
    """Whether the person has approved the code, and the token is yet to be saved."""
    host: str = ""
    """What its machine is called, where machines take turns."""
    spent: str = ""
    """The fingerprint of the refresh token that is sent, or was."""

    @property
    def ended(self) -> int:
        """The number of the last attempt that has ended."""
        return self.attempt - 1 if self.state in (WAITING, RENEWING) else self.attempt

    def left(self, now: float) -> float:
        """Return for how many seconds the code is still good; 0 if it is not, or nobody knows.

        One that seems to have more than its life ahead comes from before the clock was set back.
        """
        left = self.deadline - now
        return max(0.0, min(left, self.lifetime)) if left <= self.lifetime + CLOCK_SLACK else 0.0


def read_record(turn: Turn) -> Record:
    """Return the record of `turn`; one that is missing counts as idle.

    So does one that somebody else could have written, which may send a person anywhere.
    """
    record = parse_record(turn.read())
    return replace(record, deadline=record.deadline - turn.ahead) if record.deadline else record


def parse_record(content: bytes) -> Record:
    """Return the record that a file's `content` is; one that is torn or strange counts as idle."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return Record()
    if not isinstance(found, dict):
        return Record()
    known = {name: found[name] for name in asdict(Record()) if name in found}
    is_sound = all(_fits(*each) for each in known.items()) and _can_be_shown(known)
    return Record(**known) if is_sound else Record()


def _can_be_shown(known: dict[str, Any]) -> bool:
    """Tell whether a code and its addresses can be as `oauth.Grant` has them."""
    return all(is_plain(known.get(name, "")) for name in ("user_code", *ADDRESSES))


def _fits(name: str, value: object) -> bool:
    """Tell whether `value` can be the field `name` of a record."""
    default = getattr(Record, name)
    if isinstance(default, float):
        return isinstance(value, int | float) and abs(value) < LAST_SECOND
    return type(value) is type(default)


def write_record(turn: Turn, record: Record) -> None:
    """Publish `record`; only who has the `turn` may. Raises `VaultError`."""
    if record.deadline:
        record = replace(record, deadline=record.deadline + turn.ahead)
    said = {name: value for name, value in asdict(record).items() if value}
    turn.write(json.dumps(said).encode())
