"""Faults: what a test wants to go wrong with the next requests."""

import re
import threading
from dataclasses import dataclass, replace

from hexauth.errors import UsageError, did_you_mean
from hexauth.sandbox.journal import REQUESTS

STATUSES = ("400", "401", "403", "404", "408", "429", "500", "502", "503", "504")

MEANINGS = {
    **dict.fromkeys(STATUSES, "an answer with this HTTP status and nothing done"),
    "drop": "the connection is closed before anything is done",
    "drop-after": "the request is carried out, but its answer is lost",
    "slow": "the answer comes SECONDS later (slow:SECONDS, 5 by default)",
    "hang": "no answer ever comes",
    "html": "status 200 with an HTML page",
    "empty": "status 200 with an empty body",
    "half-json": "status 200 with JSON that ends in the middle",
    "cut-off": "a body shorter than its Content-Length",
    "endless": "a body that does not end (it gives up after 64 MiB)",
    "not-object": "status 200 with a JSON list",
    "redirect": "status 307 to another origin",
    "slow-down": "the error slow_down (polls only)",
    "token-expired": "status 401, error token_expired (resources only)",
    "invalid-token": "status 401, error invalid_token (resources only)",
    "bad-uri": "a verification URI that is a javascript: one (new grants only)",
    "control-code": "a user code with control characters (new grants only)",
}
"""Every kind of fault, and what it does."""

CHANGES = frozenset({"publish", "docs", "revert", "retire", "owners"})
RESOURCES = frozenset({"users_me", "keys", "auth", "names", "private"}) | CHANGES
NEW_GRANTS = frozenset({"device_authorization"})

ONLY = {
    "slow-down": frozenset({"poll"}),
    "token-expired": RESOURCES,
    "invalid-token": RESOURCES,
    "bad-uri": NEW_GRANTS,
    "control-code": NEW_GRANTS,
}
"""The requests that some faults wait for, where the test names none."""

SPOILED = frozenset(REQUESTS) - {"page", "elsewhere"}
"""The requests that faults can be for: a person's page always works."""

SHAPE = re.compile(r"(?P<kind>[a-z0-9-]+)(?::(?P<seconds>\d+(?:\.\d+)?))?"
                   r"(?:@(?P<request>[a-z_]+))?(?:=(?P<count>\d+))?")  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the next `count` requests of the kinds in `requests`."""

    kind: str
    requests: frozenset[str]
    count: int = 1
    seconds: float = 5.0


def parse(text: str) -> Fault:
    """Return the fault in `KIND[:SECONDS][@REQUEST][=COUNT]`, such as `503@refresh=2`.

    Raises `UsageError` if there is no such fault or request.
    """
    found = SHAPE.fullmatch(text)
    if found is None:
        raise UsageError(
            f"{text!r} is no fault.",
            hint="Write KIND[:SECONDS][@REQUEST][=COUNT], such as 503@refresh=2.",
        )
    kind, seconds, request, count = found.group("kind", "seconds", "request", "count")
    if kind not in MEANINGS:
        raise UsageError(
            f"There is no fault {kind}.",
            hint=f"{did_you_mean(kind, MEANINGS)}Use one of {', '.join(MEANINGS)}.",
        )
    if request is not None and request not in SPOILED:
        raise UsageError(
            f"There is no request {request} to spoil.",
            hint=f"{did_you_mean(request, SPOILED)}Use one of {', '.join(sorted(SPOILED))}.",
        )
    return Fault(
        kind,
        frozenset({request}) if request else ONLY.get(kind, SPOILED),
        int(count or 1),
        float(seconds or 5),
    )


class Faults:
    """The faults still to come, in the order they were asked for."""

    def __init__(self, faults: tuple[Fault, ...] = ()) -> None:
        self._guard = threading.Lock()
        self._waiting = list(faults)

    def add(self, fault: Fault) -> None:
        """Let `fault` happen after those that are already waiting for the same requests."""
        with self._guard:
            self._waiting.append(fault)

    def clear(self) -> None:
        """Let nothing more go wrong."""
        with self._guard:
            self._waiting.clear()

    def take(self, request: str) -> Fault | None:
        """Return the fault for a request of this kind, and count it as used."""
        with self._guard:
            for position, fault in enumerate(self._waiting):
                if request in fault.requests and fault.count > 0:
                    self._waiting[position] = replace(fault, count=fault.count - 1)
                    return fault
        return None

    def waiting(self) -> list[dict[str, object]]:
        """Return what is still to come, as JSON knows it."""
        with self._guard:
            return [
                {"kind": fault.kind, "requests": sorted(fault.requests), "count": fault.count}
                for fault in self._waiting
                if fault.count > 0
            ]
