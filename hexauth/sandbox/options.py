"""What a sandbox can be told."""

from dataclasses import dataclass
from pathlib import Path

from hexauth.errors import UsageError
from hexauth.hex import CLIENT_ID

FOREVER = 1e9
"""More seconds than anybody waits: a limit that keeps infinity and its like out."""


@dataclass(frozen=True)
class Options:
    """How a sandbox behaves; times are in seconds.

    `approve_after` and `deny_after` let grants answer themselves that long after they were made;
    None waits for a person. `otp` is the one-time password that writes ask for; without one the
    user has no two-factor authentication. `rate_limit` is the number of API requests a minute for
    an address (five times as many for the user); None does not limit them. `faults` are written as
    `faults.parse` reads them. `port` 0 is a free one. `registry` is the folder of a Hex repository
    to serve; without one there are no packages.

    Raises `UsageError` for a time or number that makes no sense, and for a `registry` that is no
    folder.
    """

    port: int = 0
    approve_after: float | None = None
    deny_after: float | None = None
    expires_in: float = 600
    interval: float = 5
    token_ttl: float = 1800
    otp: str | None = None
    faults: tuple[str, ...] = ()
    rate_limit: int | None = 100
    user: str = "alice"
    organizations: tuple[str, ...] = ("acme",)
    clients: tuple[str, ...] = (CLIENT_ID,)
    registry: Path | None = None

    def __post_init__(self) -> None:
        for name in ("approve_after", "deny_after", "interval"):
            if not 0 <= (getattr(self, name) or 0) < FOREVER:
                raise UsageError(
                    f"{name} must be a number of seconds, 0 or more.", hint="Give one below 10**9."
                )
        for name in ("expires_in", "token_ttl"):
            if not 0 < getattr(self, name) < FOREVER:
                raise UsageError(
                    f"{name} must be a number of seconds, more than 0.",
                    hint="Give one below 10**9.",
                )
        if not 0 <= self.port <= 65535:
            raise UsageError("The port must be between 0 and 65535.", hint="Give 0 for a free one.")
        if self.registry is not None and not self.registry.is_dir():
            raise UsageError(
                f"The registry {self.registry} is no folder.",
                hint="Name a folder that `mix hex.registry build` has made.",
            )

    @property
    def answers_itself(self) -> tuple[float, bool]:
        """After how many seconds a login answers itself, infinite for never; and whether by yes."""
        answers = [(self.approve_after, True), (self.deny_after, False)]
        return min(
            ((after, approve) for after, approve in answers if after is not None),
            default=(float("inf"), False),
        )
