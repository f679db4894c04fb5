"""What the sandbox has seen: a list of requests and a count of each kind, without secrets."""

import hashlib
import threading
from collections import Counter, deque
from typing import Any

REQUESTS = (
    "device_authorization",
    "poll",
    "refresh",
    "client_credentials",
    "token",
    "revoke",
    "revoke_by_hash",
    "users_me",
    "keys",
    "auth",
    "packages",
    "package",
    "publish",
    "docs",
    "revert",
    "retire",
    "owners",
    "names",
    "public",
    "private",
    "elsewhere",
    "page",
    "other",
)
"""The kinds of requests: `token` has a grant type that hexpm does not know, `packages` are listed,
a `package` or a release of it is shown, `revert` takes one back, `public` and `private` are for
files of a registry, `elsewhere` is what followed the fault `redirect`."""

OUTCOMES = (
    "prompts",
    "approvals",
    "denials",
    "sessions",
    "evictions",
    "granted",
    "refused",
    "hasty_polls",
    "faults",
    "rate_limited",
    "authorization_on_oauth",
)
"""What came of them: grants made, answers given, sessions begun and evicted, private files handed
out and refused, polls that came sooner than the interval allows, requests spoiled on purpose or
over the limit, and requests that sent `Authorization` where no client should."""

LENGTH = 20_000
"""How many requests the list holds; older ones are dropped, the counts stay right."""


class Journal:
    """The list and the counts; every method may be called from any thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._counts = Counter(dict.fromkeys((*REQUESTS, *OUTCOMES), 0))
        self._entries: deque[dict[str, Any]] = deque(maxlen=LENGTH)

    def count(self, kind: str) -> None:
        """Count one more of `kind`."""
        with self._guard:
            self._counts[kind] += 1

    def begin(self, entry: dict[str, Any]) -> None:
        """List a request as soon as it has come, and count its `kind`."""
        with self._guard:
            self._entries.append(entry)
            self._counts[entry["kind"]] += 1

    def end(self, entry: dict[str, Any], status: int | str) -> None:
        """Add how the request was answered."""
        with self._guard:
            entry["status"] = status

    def counts(self) -> dict[str, int]:
        """Return the count of every kind, zeros too."""
        with self._guard:
            return dict(self._counts)

    def log(self) -> list[dict[str, Any]]:
        """Return the requests, oldest first; `status` is None while one is being answered."""
        with self._guard:
            return [dict(entry) for entry in self._entries]


def mask(authorization: str | None) -> str | None:
    """Return what may be shown of an `Authorization` header: its scheme and a mark of its secret.

    The mark is the beginning of the SHA-256 of the whole value: equal secrets have equal marks.
    """
    if not authorization:
        return None
    scheme = authorization.split(" ")[0] if " " in authorization else "key"
    known = scheme.capitalize() if scheme.lower() in ("bearer", "basic") else "key"
    return f"{known} #{hashlib.sha256(authorization.encode()).hexdigest()[:8]}"
